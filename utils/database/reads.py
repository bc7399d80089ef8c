"""Single statements outside a transaction, and short transactions, on connections that are kept for them.

A request with an access token needs one SELECT, and a refresh one UPDATE. SQLAlchemy's checkout, execution
context and result take longer than the statement. So it is compiled once, and runs on the driver's
connection.
"""

import os
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple, TypeVar
from weakref import WeakSet

from sqlalchemy import Compiled, Connection, Engine, QueuePool, Select, event
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as DatabaseTimeout
from sqlalchemy.sql.compiler import ExpandedState
from sqlalchemy.sql.dml import ReturningUpdate

from utils.database.engine import MAX_CONNECTION_AGE, OPENED_AT

MAX_KEPT = 8  # connections per process, of the pool's
_SERVER_DEADLINES = {"57014", "55P03"}  # SQLSTATEs query_canceled and lock_not_available
Values = Mapping[str, Any]
Found = tuple[Any, ...] | None
Statement = Select[Any] | ReturningUpdate[Any]
Processor = Callable[[Any], Any]
T = TypeVar("T")


class NoAnswerInTime(DatabaseTimeout):
    """The statement did not end in time, by a deadline of the client, the server or SQLite."""


class Reads:
    """Executes single statements that return one row, each on its own connection and without a transaction.

    On PostgreSQL this saves BEGIN and ROLLBACK, two of three round trips. If the driver reports an error, the
    connection is closed, and the statement is repeated once on another one. After a deadline it is not
    repeated, as it would wait as long again.
    """

    def __init__(self, engine: Engine) -> None:
        self._is_sqlite = engine.dialect.name == "sqlite"  # its driver begins a transaction before a write
        self.can_write_in_ctes = not self._is_sqlite
        self._engine = engine if self._is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        # Without a pool there is one connection, as with SQLite in memory.
        self._kept = _KeptConnections(self._engine, engine) if isinstance(engine.pool, QueuePool) else None
        self._compiled: dict[Statement, _CompiledRead] = {}

    def change(self, statement: ReturningUpdate[Any], values: Values) -> Found:
        """Execute a conditional UPDATE with RETURNING, and commit it; return its row, or None.

        On PostgreSQL it is repeated as in `first`, after a fault that leaves open whether it took effect. So
        its condition must not hold after its change, and the caller must look for the cause of None.
        """
        if not self._is_sqlite:
            return self.first(statement, values)
        with self._engine.begin() as connection:
            row = connection.execute(statement, values).first()
        return tuple(row) if row is not None else None

    def first(self, statement: Statement, values: Values) -> Found:
        """Return the first row as a tuple, or None. `statement` is one of few, made at import."""
        if self._kept is not None:
            compiled = self._compile(statement)
            try:
                return self._kept.run(lambda driver: compiled.first(driver, values))
            except self._engine.dialect.loaded_dbapi.Error as problem:
                if _is_deadline(problem):
                    raise NoAnswerInTime from None
                # Repeated below, where SQLAlchemy replaces lost connections and hides values in errors
        try:
            return self._execute(statement, values)
        except DBAPIError as problem:
            if self._kept is not None or not problem.connection_invalidated:
                raise
        return self._execute(statement, values)

    def close(self) -> None:
        """Close the connections that are kept. Later statements open new ones."""
        if self._kept is not None:
            self._kept.close()

    def _compile(self, statement: Statement) -> "_CompiledRead":
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = _CompiledRead(statement, self._engine.dialect)
        return compiled

    def _execute(self, statement: Statement, values: Values) -> Found:
        with self._engine.connect() as connection:
            row = connection.execute(statement, values).first()
        return tuple(row) if row is not None else None


class _CompiledRead:
    """A statement as text for a driver, with the conversions of its parameters and columns. NULL is None."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled: Compiled = statement.compile(dialect=dialect)
        # Parameters that must be literals, such as the separator of an aggregate, become part of the text.
        expanded: ExpandedState = compiled.construct_expanded_state(compiled.params)  # type: ignore[attr-defined]
        self._text = expanded.statement
        self._names = expanded.positiontup
        self._fixed = dict(expanded.parameters)  # values in the statement itself
        self._binds: dict[str, Processor] = {}
        for name in self._fixed:
            parameter = compiled.binds[name]  # type: ignore[attr-defined]
            convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._binds[name] = convert
        columns = [column.type.dialect_impl(dialect) for column in statement.exported_columns]
        converters = enumerate(kind.result_processor(dialect, None) for kind in columns)
        self._columns = [(index, convert) for index, convert in converters if convert is not None]

    def first(self, driver: Any, values: Values) -> Found:
        """Return the first row on this connection of the driver. The cursor is closed before."""
        given = self._fixed | dict(values)
        for name, convert in self._binds.items():
            given[name] = convert(given[name])
        cursor = driver.cursor()
        try:
            cursor.execute(self._text, [given[name] for name in self._names] if self._names else given)
            row = cursor.fetchone()
        finally:
            cursor.close()  # else SQLite would go on reading, and could not shorten its write-ahead log
        if row is None:
            return None
        found = list(row)
        for index, convert in self._columns:
            if found[index] is not None:
                found[index] = convert(found[index])
        return tuple(found)


class _Kept(NamedTuple):
    """A connection outside the pool's queue: SQLAlchemy's, the driver's, and when it was opened."""

    connection: Connection
    driver: Any
    opened_at: float
    generation: int


class _KeptConnections:
    """At most `MAX_KEPT` open connections of one engine, which count as checked out of its pool."""

    def __init__(self, engine: Engine, pool_owner: Engine) -> None:
        self._engine, self._pool_owner = engine, pool_owner
        self._lock = Lock()
        self._idle: list[_Kept] = []
        self._generation = 0  # a connection of an earlier one is closed when it comes back
        event.listen(pool_owner, "engine_disposed", lambda _: self.close())
        _of_process.add(self)

    def run(self, work: Callable[[Any], T]) -> T:
        """Return what `work` returns for a connection. Raises the driver's errors, after closing it."""
        kept = self._take()
        try:
            found = work(kept.driver)
        except BaseException as problem:
            is_lost = self._engine.dialect.is_disconnect(problem, kept.driver, None)  # type: ignore[arg-type]
            _discard(kept)
            if is_lost:
                self.close()  # the others are most likely lost as well
            raise
        self._put_back(kept)
        return found

    def close(self) -> None:
        """Close the connections that are not in use, and later those that are."""
        with self._lock:
            closing, self._idle = self._idle, []
            self._generation += 1
        for kept in closing:
            _discard(kept)

    def abandon(self) -> None:
        """Forget the connections after a fork, without closing them: they are the parent's."""
        self._lock = Lock()
        _abandoned.extend(self._idle)
        self._idle = []
        self._pool_owner.dispose(close=False)

    def _take(self) -> _Kept:
        oldest = time.monotonic() - MAX_CONNECTION_AGE
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
                generation = self._generation
            if kept is None:
                connection = self._engine.connect()
                pooled = connection.connection
                return _Kept(connection, pooled.dbapi_connection, pooled.info[OPENED_AT], generation)
            if kept.opened_at > oldest:
                return kept
            _discard(kept)

    def _put_back(self, kept: _Kept) -> None:
        with self._lock:
            is_current = kept.generation == self._generation
            is_kept = is_current and len(self._idle) < MAX_KEPT
            if is_kept:
                self._idle.append(kept)
        if not is_current:
            _discard(kept)
        elif not is_kept:
            kept.connection.close()  # back to the pool


def _is_deadline(problem: Exception) -> bool:
    """Return whether the client, the server or SQLite ended a wait, and not a fault."""
    return (
        isinstance(problem, TimeoutError)
        or getattr(problem, "sqlstate", None) in _SERVER_DEADLINES
        or getattr(problem, "sqlite_errorname", "").startswith("SQLITE_BUSY")
    )


def _discard(kept: _Kept) -> None:
    kept.connection.invalidate()
    kept.connection.close()


_of_process: WeakSet[_KeptConnections] = WeakSet()
_abandoned: list[_Kept] = []  # never closed: that would end the parent's connection


def _abandon_all() -> None:
    for connections in _of_process:
        connections.abandon()


os.register_at_fork(after_in_child=_abandon_all)
