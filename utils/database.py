"""The database engine: what each database needs to be told, and an insert that lets conflicts pass."""

import contextlib
import os
from typing import Any

from sqlalchemy import Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from config_values import is_in_memory

# Seconds. A caller waits this long for a lock, a connection or the server, then gets a 503.
BUSY_TIMEOUT = 5
POOL_TIMEOUT = 5
CONNECT_TIMEOUT = 5
POOL_SIZE = 16  # connections a process


def engine_options(uri: str) -> dict[str, Any]:
    """`SQLALCHEMY_ENGINE_OPTIONS` for this database."""
    # An error's text must not hold the values of a statement: hashes and addresses are among them.
    quiet = {"hide_parameters": True}
    pool = {"pool_size": POOL_SIZE, "max_overflow": 0, "pool_timeout": POOL_TIMEOUT}
    if is_in_memory(uri):
        return quiet  # one connection, shared by all
    if uri.startswith("sqlite"):
        return quiet | pool | {"connect_args": {"timeout": BUSY_TIMEOUT}}
    return quiet | pool | {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_TIMEOUT}}


def init_engine(engine: Engine) -> None:
    """Set up each SQLite connection: WAL, so that readers never wait for the writer, and foreign keys.

    On every database, no connection goes back to the pool within a transaction. SQLAlchemy leaves
    it open after a commit that failed, and the next request would commit it with its own.
    """

    @event.listens_for(engine, "checkin")
    def leave_transaction(connection: Any, record: Any) -> None:
        try:
            if connection is not None:
                connection.rollback()  # asks the server nothing when there is no transaction
        except engine.dialect.loaded_dbapi.Error:
            record.invalidate()

    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "do_connect")
    def create_for_the_owner_only(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
        # O_EXCL, so that a file that is there is never opened here: closing any descriptor of it drops
        # all locks that this process has on it, and another process would delete the log under us.
        with contextlib.suppress(OSError):  # SQLite itself says what is wrong with the path
            if arguments[0] != ":memory:" and not arguments[0].startswith("file:"):
                os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def insert_into(session: Session, table: Any) -> postgresql.Insert | sqlite.Insert:
    """An INSERT of the session's database that can say `on_conflict_do_...`; both speak the same."""
    target: Table = getattr(table, "__table__", table)
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(target)
    return postgresql.insert(target)
