"""The database engine: what each database needs to be told, and an insert that lets conflicts pass."""

import contextlib
import os
import select
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, Row, Select, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
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
    return quiet | pool | {"connect_args": {"connect_timeout": CONNECT_TIMEOUT}}


class Reads:
    """Single statements that only read: each in a connection of its own, and in no transaction.

    On Postgres that saves BEGIN and ROLLBACK, two of three round trips. A connection that broke
    is replaced and the statement asked once more: reading twice does no harm.
    """

    def __init__(self, engine: Engine) -> None:
        is_sqlite = engine.dialect.name == "sqlite"  # whose driver begins nothing before a write
        self._engine = engine if is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")

    def first(self, statement: Select[Any], values: Mapping[str, Any]) -> Row[Any] | None:
        """The first row, or None."""
        try:
            return self._execute(statement, values)
        except DBAPIError as problem:
            if not problem.connection_invalidated:
                raise
        return self._execute(statement, values)

    def _execute(self, statement: Select[Any], values: Mapping[str, Any]) -> Row[Any] | None:
        with self._engine.connect() as connection:
            return connection.execute(statement, values).first()


def init_engine(engine: Engine) -> None:
    """Set up each SQLite connection: WAL, so that readers never wait for the writer, and foreign keys.

    On every database, no connection goes back to the pool within a transaction. SQLAlchemy leaves
    it open after a commit that failed, and the next request would commit it with its own.
    """

    @event.listens_for(engine, "checkin")
    def end_transaction(connection: Any, record: Any) -> None:
        try:
            if connection is not None:
                connection.rollback()  # asks the server nothing when there is no transaction
        except engine.dialect.loaded_dbapi.Error:
            record.invalidate()

    if engine.dialect.name == "sqlite":
        _init_sqlite(engine)
    else:
        _init_postgres(engine)


def _init_postgres(engine: Engine) -> None:
    """Let nobody have a connection that the server has closed, without a round trip for each that it has not.

    An idle connection has nothing to say. Where one has, it is the end of it or a notice, and a ping tells.
    """

    @event.listens_for(engine, "connect")
    def mark_new(_connection: Any, record: Any) -> None:
        record.info["is_new"] = True

    @event.listens_for(engine, "checkout")
    def check_idle_connection(connection: Any, record: Any, _proxy: Any) -> None:
        is_new = record.info.pop("is_new", False)
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        if not waiting.poll(0):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            if is_new:
                raise  # the server is going away: another one would be as dead, and the caller is told so
            raise InvalidatePoolError from None  # the others are as old, and SQLAlchemy connects anew


def _init_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "do_connect")
    def create_private_file(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
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
