"""Failure injection: the database at a chosen statement or commit, mailers, and threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from functools import cache
from threading import Thread
from typing import Any
from unittest.mock import patch

from flask import Flask
from sqlalchemy import TextClause, event, exc, text

from models import db
from utils.mail.mailers import MemoryMailer


@contextmanager
def failing_at(app: Flask, number: int, kind: str) -> Iterator[list[str]]:
    """Make the statement or commit of this number fail once; yield the statements run."""
    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    dialect: Any = engine.dialect
    really_commit = dialect.do_commit

    def count(what: str, error: Exception) -> None:
        asked.append(what)
        if len(asked) == number:
            raise error

    def statement(_c: Any, _cursor: Any, sql: str, _p: Any, _context: Any, _many: bool) -> None:
        count(sql, getattr(exc, kind)("", {}, Exception("canary")))

    def commit(connection: Any) -> None:
        count("COMMIT", getattr(dialect.dbapi, kind)("canary"))
        really_commit(connection)

    event.listen(engine, "before_cursor_execute", statement)
    dialect.do_commit = commit
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        del dialect.do_commit


@contextmanager
def without_threads() -> Iterator[None]:
    """Let no thread start in the block, as without memory for one."""
    with patch.object(Thread, "start", side_effect=RuntimeError("can't start new thread")):
        yield


def everything(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table except the rate-limit counters."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            name: [row._asdict() for row in connection.execute(query)] for name, query in _queries().items()
        }


@cache
def _queries() -> dict[str, TextClause]:
    tables = [table for table in db.metadata.sorted_tables if table.name != "rate_limits"]
    orders = {table.name: ", ".join(key.name for key in table.primary_key) for table in tables}
    return {name: text(f"SELECT * FROM {name} ORDER BY {order}") for name, order in orders.items()}


class FailingMailer(MemoryMailer):
    """Raises this error a number of times, before or after accepting the mail."""

    def __init__(self, problem: Exception, times: int, *, has_it: bool = False) -> None:
        super().__init__()
        self.problem, self.times, self.has_it = problem, times, has_it

    def send(self, message: EmailMessage) -> None:
        if self.has_it or not self.times:
            super().send(message)
        if self.times:
            self.times -= 1
            raise self.problem
