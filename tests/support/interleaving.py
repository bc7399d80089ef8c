"""Interleave two calls at a chosen place: the first stops before a statement, and the second runs there
as far as it gets.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread, get_ident
from typing import Any

from flask import Flask
from sqlalchemy import event

from models import db

MEANWHILE = 0.05  # seconds; who takes longer waits for a lock of the first, which goes on then


def without_kept_connections(app: Flask) -> None:
    """Let `Reads` execute its statements one by one through SQLAlchemy, where tests can stop them."""
    app.extensions["auth_services"].reads._kept = None


@contextmanager
def interleaved_at(app: Flask, number: int, second: Callable[[], object]) -> Iterator[list[str]]:
    """Run `second` before the statement or commit of this number; yield the statements of this thread."""
    me, asked = get_ident(), list[str]()
    with app.app_context():
        engine = db.engine
    dialect: Any = engine.dialect
    really_commit = dialect.do_commit
    thread = Thread(target=second)

    def count(what: str) -> None:
        if get_ident() != me:
            return
        asked.append(what)
        if len(asked) == number:
            thread.start()
            thread.join(MEANWHILE)

    def statement(_c: Any, _cursor: Any, sql: str, _p: Any, _context: Any, _many: bool) -> None:
        count(sql)

    def commit(connection: Any) -> None:
        count("COMMIT")
        really_commit(connection)

    event.listen(engine, "before_cursor_execute", statement)
    dialect.do_commit = commit
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        del dialect.do_commit
        if thread.ident:
            thread.join()
