"""Engine options, connection events, and INSERT with ON CONFLICT."""

import contextlib
import os
import select
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from sqlalchemy import Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session

from config_values import is_in_memory
from utils.database import deadlines

# Seconds to wait for a lock of SQLite, or for a connection of the pool; then the response is a 503.
BUSY_TIMEOUT = 5
POOL_TIMEOUT = 3  # on SQLite, as long as for a lock
# An idle connection whose peer is unreachable is closed after 11 seconds, and replaced at its next use.
TCP_OPTIONS = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,  # milliseconds
}
POOL_SIZE = 16  # connections per process
# Seconds. After a failover, a connection to the old primary must not go on admitting.
MAX_CONNECTION_AGE = 300
OPENED_AT = "opened_at"  # in the info of a pooled connection: `monotonic` seconds


def engine_options(uri: str) -> dict[str, Any]:
    """Return `SQLALCHEMY_ENGINE_OPTIONS` for this database."""
    # Error texts must not contain the parameters of a statement, such as hashes and addresses.
    quiet = {"hide_parameters": True}
    pool = {"pool_size": POOL_SIZE, "max_overflow": 0, "pool_timeout": POOL_TIMEOUT}
    pool["pool_recycle"] = MAX_CONNECTION_AGE
    if is_in_memory(uri):
        return quiet  # one shared connection
    if uri.startswith("sqlite"):
        return quiet | pool | {"pool_timeout": BUSY_TIMEOUT, "connect_args": {"timeout": BUSY_TIMEOUT}}
    return quiet | pool | {"connect_args": {"connect_timeout": deadlines.CONNECT_TIMEOUT, **TCP_OPTIONS}}


def init_engine(engine: Engine, *, answer_timeout: float | None = None) -> None:
    """Register connection events. SQLite: WAL, so that readers do not wait for the writer, and foreign keys.

    PostgreSQL: with an `answer_timeout` in seconds, statements have deadlines.

    On every database, a connection is rolled back before it returns to the pool. SQLAlchemy leaves the
    transaction open after a failed commit, and the next request would commit it.
    """

    @event.listens_for(engine, "checkin")
    def end_transaction(connection: Any, record: Any) -> None:
        try:
            if connection is not None:
                connection.rollback()  # no round trip if there is no transaction
        except engine.dialect.loaded_dbapi.Error:
            record.invalidate()

    @event.listens_for(engine, "connect")
    def note_age(_connection: Any, record: Any) -> None:
        record.info[OPENED_AT] = monotonic()

    if engine.dialect.name == "sqlite":
        _init_sqlite(engine)
    else:
        _init_postgres(engine)
        if answer_timeout is not None:
            from utils.database.postgres import set_deadlines  # noqa: PLC0415  (imports in 0.2 s)

            set_deadlines(engine, answer_timeout)


def _init_postgres(engine: Engine) -> None:
    """Replace connections that the server closed, without a round trip for the others.

    An idle connection has no data to read. If it has, it was closed or got a notice: only then is it pinged.
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
                raise  # the server is shutting down: a new connection would fail as well
            raise InvalidatePoolError from None  # SQLAlchemy replaces the whole pool


def _init_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "do_connect")
    def create_private_file(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
        # O_EXCL never opens an existing file: closing any descriptor of it would drop all locks of this
        # process on it (POSIX), and another process could delete the write-ahead log in use.
        with contextlib.suppress(OSError):  # SQLite reports the fault of the path itself
            if arguments[0] != ":memory:" and not arguments[0].startswith("file:"):
                os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def for_each_database(build: Callable[[Callable[[Table], Any]], Any]) -> Mapping[str, Any]:
    """Return the statement that `build` makes with the INSERT of each database, by the name of its dialect.

    For statements with `on_conflict_do_...` that are built once, at import: building one takes longer than
    running it.
    """
    return {"sqlite": build(sqlite.insert), "postgresql": build(postgresql.insert)}


def dialect_of(tx: Session) -> str:
    """Return the name of the dialect of the database of `tx`."""
    return tx.get_bind().dialect.name


def insert_into(tx: Session, table: Any) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT for the database of `tx` that supports `on_conflict_do_...`."""
    target: Table = getattr(table, "__table__", table)
    if dialect_of(tx) == "sqlite":
        return sqlite.insert(target)
    return postgresql.insert(target)
