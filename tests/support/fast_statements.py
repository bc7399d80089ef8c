"""Each SQL statement of a test process is compiled once for each kind of database.

SQLAlchemy keeps compiled statements for each engine, and each test has an engine of its own: a third of
what a test costs. What is compiled depends on the kind of database alone, so that all engines can share it.
"""

from typing import Any

from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from models import db

_make_engine = db._make_engine
_compiled: LRUCache[Any, Any] = LRUCache(5_000)


def _make_sharing_engine(bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
    return _make_engine(bind_key, options | {"execution_options": {"compiled_cache": _compiled}}, app)


def _kind(dialect: DefaultDialect) -> tuple[Any, ...]:
    """What decides how a dialect writes a statement."""
    return type(dialect), dialect.server_version_info, dialect.default_schema_name


def _is_same(dialect: DefaultDialect, other: object) -> bool:
    return isinstance(other, DefaultDialect) and _kind(dialect) == _kind(other)


def _hash(dialect: DefaultDialect) -> int:
    return hash(type(dialect))


def share_statements() -> None:
    """Have every app of this process share what was compiled for another one on the same kind of database."""
    # SQLAlchemy has no setting for this: the key of a compiled statement holds the dialect object.
    DefaultDialect.__eq__ = _is_same  # type: ignore[method-assign,assignment]
    DefaultDialect.__hash__ = _hash  # type: ignore[method-assign,assignment]
    db._make_engine = _make_sharing_engine  # type: ignore[method-assign]
