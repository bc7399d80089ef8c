"""Concurrency limit on password hashing, so that it does not starve other requests.

Requests over the limit wait in a bounded queue; beyond that the response is 503 with `Retry-After`. A waiting
request must not hold a database connection. The server has a thread for each waiting request, in addition to
the threads for all others. The queue is long because a refusal costs more than a sleeping thread: clients
that ignore `Retry-After` retry immediately.

Hashes are computed in threads of lower priority, so that the others of a full machine come first.
"""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import BoundedSemaphore, Lock, get_native_id
from typing import NoReturn, TypeVar

from utils.errors import Busy
from utils.limits.refusal_delay import RefusalDelay
from utils.observability.metrics import Metrics
from utils.services import Hasher

MAX_WAIT = 10.0  # seconds; browsers and users wait longer
MAX_WAITING = 64  # requests per process
NICENESS = 4  # of the threads that hash: with it, other requests of a full machine get most of the processor
T = TypeVar("T")


class LimitedHasher:
    """A hasher that computes at most `concurrency` hashes at once.

    At most `waiting` calls wait, each at most `max_wait` seconds. Every method that hashes may raise `Busy`.
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
        self._lock, self._waiting_left = Lock(), waiting
        self._refusal_delay = refusal_delay or RefusalDelay(0)
        self._concurrency, self._process, self._threads = concurrency, 0, ThreadPoolExecutor(1)

    def hash(self, password: str) -> str:
        with self._admitted():
            return self._computed(lambda: self._hasher.hash(password))

    def check(self, hashed: str, password: str) -> bool:
        with self._admitted():
            return self._computed(lambda: self._hasher.check(hashed, password))

    def is_readable(self, hashed: str) -> bool:
        with self._admitted():
            return self._hasher.is_readable(hashed)

    def _computed(self, compute: Callable[[], T]) -> T:
        """Compute in a thread of lower priority, within the context of the caller."""
        with self._lock:
            if self._process != os.getpid():  # a forked child has none of its parent's threads
                self._process = os.getpid()
                self._threads = ThreadPoolExecutor(self._concurrency, "hash", _lower_priority)
            computed = self._threads.submit(copy_context().run, compute)
        return computed.result()

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
            may_wait = self._waiting_left > 0
            self._waiting_left -= may_wait
        if not may_wait:
            self._refuse()
        self._metrics.hashes_waiting.inc()
        try:
            is_acquired = self._semaphore.acquire(timeout=self._max_wait)
        finally:
            self._metrics.hashes_waiting.dec()
            with self._lock:
                self._waiting_left += 1
        if not is_acquired:
            self._refuse()

    def _refuse(self) -> NoReturn:
        self._metrics.hashes_refused.inc()
        self._refusal_delay.hold()
        raise Busy


def _lower_priority() -> None:
    """Let the threads of other requests go first (Linux, where a thread has a priority of its own)."""
    if sys.platform == "linux":
        thread = get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
