"""The statements that the service sends, and their query plans in PostgreSQL."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Engine, event

SCAN = re.compile(r"(?:-> +|^)((?:Parallel )?(?:Seq|Index|Index Only|Bitmap Heap|Bitmap Index) Scan.*?)  \(")
SEQUENTIAL = re.compile(r"Seq Scan on (\w+)")
TIME = re.compile(r"Execution Time: ([\d.]+) ms")
READ = re.compile(r"Buffers: (shared [^,\n]*)")


class Sent(NamedTuple):
    """A statement and its parameters, as passed to the driver."""

    statement: str
    parameters: Any


class Plan(NamedTuple):
    """The plan of a statement: its scans, execution time, buffers and sequentially scanned tables."""

    statement: str
    scans: list[str]
    milliseconds: float
    buffers: str
    sequential: set[str]


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Sent]]:
    """Record the statements that are sent in this context."""
    found: list[Sent] = []

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any
    ) -> None:
        found.append(Sent(statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def explained(engine: Engine, sent: Sent) -> Plan:
    """Return the plan of a statement, executed and rolled back. An INSERT is only planned: its key exists."""
    how = "EXPLAIN " if sent.statement.startswith("INSERT") else "EXPLAIN (ANALYZE, BUFFERS) "
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(how + sent.statement, sent.parameters)
        lines = [str(row[0]) for row in cursor.fetchall()]
        connection.rollback()
    finally:
        connection.close()
    said = "\n".join(lines)
    milliseconds, buffers = TIME.search(said), READ.search(said)
    return Plan(
        " ".join(sent.statement.split())[:60],
        [found[1] for line in lines if (found := SCAN.search(line))],
        float(milliseconds[1]) if milliseconds else 0.0,
        buffers[1] if buffers else "",
        set(SEQUENTIAL.findall(said)),
    )


def large_tables(engine: Engine, rows: int) -> set[str]:
    """Return the tables with at least so many rows, by PostgreSQL's statistics."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", (rows,))
        return {str(row[0]) for row in cursor.fetchall()}
    finally:
        connection.close()
