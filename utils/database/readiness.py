"""The readiness check of the database: it answers in time, and holds one thread while the database hangs."""

import os
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import TimeoutError as DatabaseTimeout

from config_values import is_in_memory
from utils.database.engine import engine_options, init_engine
from utils.database.migrations import schema_is_outdated

READY_TIMEOUT = 2  # seconds


class CheckTimeout(DatabaseTimeout):
    """The check takes too long."""


class Readiness:
    """Runs `check` in a helper thread, one at a time. A caller joins the check that is running."""

    def __init__(self, check: Callable[[], bool], timeout: float = READY_TIMEOUT) -> None:
        self._check, self._timeout = check, timeout
        self._lock = Lock()
        self._result: Future[bool] = Future()
        self._result.set_result(False)
        self._began = 0.0

    def ask(self) -> bool:
        """Return the result of the check, or raise its error.

        Raises `CheckTimeout` once the check has taken `timeout` seconds, at once if it has already.
        """
        with self._lock:
            if self._result.done():
                started: Future[bool] = Future()
                Thread(target=self._run, args=[started], name="readiness", daemon=True).start()
                self._result, self._began = started, monotonic()
            result, left = self._result, self._began + self._timeout - monotonic()
        try:
            return result.result(max(left, 0))
        except TimeoutError:
            if result.done():
                raise  # by the check itself
            raise CheckTimeout from None

    def _run(self, result: Future[bool]) -> None:
        try:
            result.set_result(self._check())
        except Exception as problem:  # noqa: BLE001  (raised in the threads that ask)
            result.set_exception(problem)


def schema_check(engine: Engine, uri: str) -> Callable[[], bool]:
    """Return a check whether the database of `uri` answers and has all migrations of this release.

    It has a connection of its own outside the pool of `engine`, which may be used up.
    """
    own = engine if is_in_memory(uri) else _engine_of_one(engine, uri)

    def check() -> bool:
        with own.connect() as connection:
            return not schema_is_outdated(connection)

    return check


def _engine_of_one(engine: Engine, uri: str) -> Engine:
    """Return an engine for the same database with one connection, which is closed with those of `engine`."""
    own = create_engine(engine.url, **engine_options(uri) | {"pool_size": 1})
    init_engine(own, answer_timeout=READY_TIMEOUT)
    opened_in = os.getpid()
    # After a fork the connection is the parent's: closing it would end it there.
    event.listen(engine, "engine_disposed", lambda _: own.dispose(close=os.getpid() == opened_in))
    return own
