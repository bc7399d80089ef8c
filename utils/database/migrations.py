"""Comparison of the schema with the migrations, and the upgrade in development."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Event

from sqlalchemy import Connection, Engine, inspect, text

from utils.database.deadlines import maintenance

log = logging.getLogger("auth")

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"
LOCK_POLL = 0.1  # seconds
_LOCK_NUMBER = 7_205_917  # arbitrary, but the same in every release


@lru_cache(maxsize=1)
def _known() -> tuple[str, frozenset[str]]:
    """Return the newest revision of this release, and all of them."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (imports in 130 ms; not needed to serve)

    scripts = ScriptDirectory(str(MIGRATIONS))
    return scripts.get_current_head() or "", frozenset(s.revision for s in scripts.walk_revisions())


def schema_is_outdated(connection: Connection) -> bool:
    """Return whether the database lacks migrations of this release. A newer schema is compatible."""
    if not inspect(connection).has_table("alembic_version"):
        return True
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    head, known = _known()
    return found is None or (found in known and found != head)


def upgrade(engine: Engine) -> None:
    """Apply missing migrations. Of several processes that start at once, one applies them."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={})
    config.set_main_option("script_location", str(MIGRATIONS))
    with maintenance(), _lock(engine), engine.connect() as connection:
        if schema_is_outdated(connection):
            connection.rollback()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            log.info("schema upgraded")


@contextmanager
def _lock(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Not `pg_advisory_lock`: an index that is built concurrently waits for every running statement,
            # and would wait for that one.
            while not connection.scalar(text("SELECT pg_try_advisory_lock(:n)"), {"n": _LOCK_NUMBER}):
                Event().wait(LOCK_POLL)
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": _LOCK_NUMBER})
        return
    if engine.url.database in {None, "", ":memory:"}:
        yield  # no other process can access it
        return
    path = Path(f"{engine.url.database}.migrating")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
