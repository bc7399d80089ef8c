"""Copying of all rows from a SQLite file to PostgreSQL, compared by counts and checksums.

The caller commits. Until then the target is unchanged, but for its sequences.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    MetaData,
    NullPool,
    Table,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config_values import database_uri
from utils.database.engine import engine_options
from utils.database.migrations import schema_is_outdated

BATCH = 1000  # rows
LOCK_WAIT = 3000  # milliseconds; autovacuum gives way after `deadlock_timeout`, 1 second by default
REVISION = text("SELECT version_num FROM alembic_version")


class CopyRefused(Exception):
    """The reason why nothing was copied. Never contains values of rows or parts of a URL."""


class CopiedTable(NamedTuple):
    """A table, its rows, and the checksum of their values in hexadecimal, the same in both databases."""

    name: str
    rows: int
    checksum: str


class _Checksum:
    """The sum of the SHA-256 digests of rows, so that their order does not matter."""

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def add(self, row: Sequence[Any]) -> None:
        line = json.dumps([_plain(value) for value in row], sort_keys=True)
        self._sum = (self._sum + int.from_bytes(sha256(line.encode()).digest())) % 2**256
        self.rows += 1

    def of(self, table: Table) -> CopiedTable:
        return CopiedTable(table.name, self.rows, f"{self._sum:064x}")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, (bool, int, float, str, dict, list, type(None))) else str(value)


@contextmanager
def source_connection(url: URL) -> Iterator[Connection]:
    """Yield a connection that has the SQLite file for itself, in a transaction.

    Raises `CopyRefused` if another process or connection has the file open: it could write.
    """
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        raise CopyRefused("The source must be a SQLite file. For PostgreSQL use pg_dump and pg_restore.")
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 1})

    @event.listens_for(engine, "connect")
    def take_the_file(connection: Any, _record: Any) -> None:
        # Without shared memory for the write-ahead log, SQLite demands to be the only one that has it open.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")

    with _connected(engine, "source") as connection:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except DBAPIError:
            raise CopyRefused(
                "The source is in use. Stop every process of the service, and other commands."
            ) from None
        yield connection


@contextmanager
def target_connection(text: str) -> Iterator[Connection]:
    """Yield a connection to PostgreSQL. Raises `CopyRefused`."""
    try:
        uri = database_uri(text)
    except ValueError as fault:
        raise CopyRefused(f"The target {fault}.") from None
    options = engine_options(uri)
    connect_args, hide = options.get("connect_args", {}), options["hide_parameters"]
    engine = create_engine(uri, poolclass=NullPool, hide_parameters=hide, connect_args=connect_args)
    if engine.dialect.name != "postgresql":
        raise CopyRefused("The target must be PostgreSQL: postgresql://user@host/name.")
    with _connected(engine, "target") as connection:
        yield connection


@contextmanager
def _connected(engine: Engine, name: str) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except SQLAlchemyError as problem:
        raise CopyRefused(f"The {name} cannot be opened ({type(problem).__name__}).") from None
    with connection:
        yield connection


def check_schemas(source: Connection, target: Connection, metadata: MetaData) -> None:
    """Raise `CopyRefused` unless both have the tables of `metadata`, and the source no other data."""
    for connection, name in ((source, "source"), (target, "target")):
        if schema_is_outdated(connection):
            raise CopyRefused(f"The {name} lacks migrations. Run for it: flask --app app db upgrade")
    if source.execute(REVISION).scalar() != target.execute(REVISION).scalar():
        raise CopyRefused("The two databases have different migrations.")
    found = inspect(source)
    unknown = set(found.get_table_names()) - set(metadata.tables) - {"alembic_version"}
    for table in metadata.sorted_tables:
        columns = {str(column["name"]) for column in found.get_columns(table.name)}
        unknown |= {f"{table.name}.{name}" for name in columns - set(table.columns.keys())}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise CopyRefused(f"The source has data that this release does not know: {names}.")


def lock(target: Connection, metadata: MetaData) -> None:
    """Lock all tables against writes, until the transaction ends.

    Waits at most `LOCK_WAIT` for each table. Raises `CopyRefused` if a table is still in use.
    """
    quoted = target.dialect.identifier_preparer.format_table
    names = ", ".join(quoted(table) for table in metadata.sorted_tables)
    try:
        target.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT}")
        target.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
    except DBAPIError as problem:
        raise CopyRefused(f"The target cannot be locked ({_code(problem)}): stop what uses it.") from None


def check_empty(target: Connection, metadata: MetaData) -> None:
    """Raise `CopyRefused` if a table has rows."""
    used = [table.name for table in metadata.sorted_tables if _count(target, table)]
    if used:
        raise CopyRefused(f"The target is not empty: {', '.join(used)}.")


def copy_tables(source: Connection, target: Connection, metadata: MetaData) -> list[CopiedTable]:
    """Copy every table, referenced ones first; read the copies again and compare.

    Raises `CopyRefused` if PostgreSQL refuses a row, or if a count or checksum differs.
    """
    tables = metadata.sorted_tables
    read = [_copy(source, target, table) for table in tables]
    for table, expected in zip(tables, read, strict=True):
        if _checksum(target, table) != expected:
            raise CopyRefused(f"The copy of {table.name} differs from the source.")
        if not expected.rows == _count(source, table) == _count(target, table):
            raise CopyRefused(f"The copy of {table.name} has another number of rows.")
        _continue_sequence(source, target, table)
        target.exec_driver_sql(f"ANALYZE {target.dialect.identifier_preparer.format_table(table)}")
    return read


def _copy(source: Connection, target: Connection, table: Table) -> CopiedTable:
    checksum, names = _Checksum(), table.columns.keys()
    for batch in _batches(source, table):
        for row in batch:
            checksum.add(row)
        try:
            target.execute(insert(table), [dict(zip(names, row, strict=True)) for row in batch])
        except DBAPIError as problem:
            raise CopyRefused(f"PostgreSQL refuses a row of {table.name} ({_code(problem)}).") from None
    return checksum.of(table)


def _checksum(connection: Connection, table: Table) -> CopiedTable:
    checksum = _Checksum()
    for batch in _batches(connection, table):
        for row in batch:
            checksum.add(row)
    return checksum.of(table)


def _batches(connection: Connection, table: Table) -> Iterable[Sequence[Sequence[Any]]]:
    try:
        rows = connection.execute(select(table).execution_options(yield_per=BATCH))
        yield from rows.partitions()
    except (SQLAlchemyError, ValueError) as problem:
        raise CopyRefused(f"A row of {table.name} cannot be read ({type(problem).__name__}).") from None


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _continue_sequence(source: Connection, target: Connection, table: Table) -> None:
    """Let the ids of the target go on after every id of the source, those of deleted rows too."""
    column = table.autoincrement_column
    if column is None:
        return
    sequence = target.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar()
    used = select(text("seq")).select_from(text("sqlite_sequence")).where(text("name = :name"))
    last = max(
        source.execute(used, {"name": table.name}).scalar() or 0,
        source.execute(select(func.max(column))).scalar() or 0,
    )
    if not sequence or not last:
        return
    try:
        target.execute(select(func.setval(sequence, last)))
    except DBAPIError as problem:
        raise CopyRefused(
            f"The target's sequences cannot be set ({_code(problem)}). Use the role that owns the tables."
        ) from None


def _code(problem: DBAPIError) -> str:
    return getattr(problem.orig, "sqlstate", None) or type(problem).__name__
