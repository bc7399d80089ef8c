"""A gate in front of password hashing: it is the one expensive thing here, and must not starve the rest.

So many hashes at once, so many callers waiting in front of it, and beyond that a 503 with
`Retry-After`. Whoever waits holds no database connection, and the server has a thread for each of
them besides those that answer everybody else. Many may wait, as a refusal costs more than a
thread that sleeps: who ignores `Retry-After` makes the next call of it at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import NoReturn

from utils.errors import Busy
from utils.limits.refusal_delay import RefusalDelay
from utils.observability.metrics import Metrics
from utils.services import Hasher

MAX_WAIT = 10.0  # seconds; a browser and its user give up later than that
MAX_WAITING = 64  # calls of each process


class LimitedHasher:
    """A hasher that computes at most `concurrency` hashes at once and lets at most `waiting` calls queue.

    They wait at most `max_wait` seconds. Every call may raise `Busy`.
    """

    def __init__(
        self,
        hasher: Hasher,
        *,
        concurrency: int,
        waiting: int,
        metrics: Metrics,
        max_wait: float = MAX_WAIT,
        refusal_delay: RefusalDelay | None = None,
    ) -> None:
        self._hasher, self._metrics, self._max_wait = hasher, metrics, max_wait
        self._semaphore = BoundedSemaphore(concurrency)
        self._lock, self._places = Lock(), waiting
        self._refusal_delay = refusal_delay or RefusalDelay(0)

    def hash(self, password: str) -> str:
        with self._admitted():
            return self._hasher.hash(password)

    def check(self, hashed: str, password: str) -> bool:
        with self._admitted():
            return self._hasher.check(hashed, password)

    def is_readable(self, hashed: str) -> bool:
        with self._admitted():
            return self._hasher.is_readable(hashed)

    def is_outdated(self, hashed: str) -> bool:
        return self._hasher.is_outdated(hashed)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if not self._semaphore.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._semaphore.release()

    def _wait(self) -> None:
        with self._lock:
            has_place = self._places > 0
            self._places -= has_place
        if not has_place:
            self._refuse()
        self._metrics.hashes_waiting.inc()
        try:
            is_in = self._semaphore.acquire(timeout=self._max_wait)
        finally:
            self._metrics.hashes_waiting.dec()
            with self._lock:
                self._places += 1
        if not is_in:
            self._refuse()

    def _refuse(self) -> NoReturn:
        self._metrics.hashes_refused.inc()
        self._refusal_delay.hold()
        raise Busy
