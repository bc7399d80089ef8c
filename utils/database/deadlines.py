"""Deadlines of PostgreSQL connections in serving processes, so that a hanging server fails calls with a 503.

A live server cancels long statements and lock waits itself (`statement_timeout`, `lock_timeout`). A frozen or
unreachable one does not: the client stops waiting and closes the connection. Commands and the pruning thread
have no deadlines: while a server is frozen, that thread holds one connection of the pool.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Seconds. A call that waits for a place in the pool and then for a connection or a result takes less than 10.
CONNECT_TIMEOUT = 3  # for one host
STATEMENT_TIMEOUT = 5  # the server allows it for a statement, and for a lock
ANSWER_TIMEOUT = 6  # the client waits for a result

_in_maintenance: ContextVar[bool] = ContextVar("in_maintenance", default=False)


@contextmanager
def maintenance() -> Iterator[None]:
    """Lift the deadlines of all transactions that begin in this block, for migrations and retention."""
    token = _in_maintenance.set(True)
    try:
        yield
    finally:
        _in_maintenance.reset(token)


def in_maintenance() -> bool:
    """Return whether the caller is in a `maintenance` block."""
    return _in_maintenance.get()
