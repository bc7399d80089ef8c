"""The statements that the service really sends, and how Postgres finds their rows."""

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
    """A statement as the driver was given it."""

    statement: str
    parameters: Any


class Plan(NamedTuple):
    """How one statement was carried out: the lines that name scans, what it cost, and what was read whole."""

    statement: str
    scans: list[str]
    milliseconds: float
    buffers: str
    sequential: set[str]


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Sent]]:
    """Every statement that goes to the database meanwhile, with its parameters."""
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
    """Carry the statement out again, see how, and undo it; an INSERT, whose key is taken, is only planned."""
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
    """The tables with so many rows or more, as Postgres counted them last."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", (rows,))
        return {str(row[0]) for row in cursor.fetchall()}
    finally:
        connection.close()
