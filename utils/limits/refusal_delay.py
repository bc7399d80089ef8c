"""Delay of refusals: clients that ignore `Retry-After` retry immediately and take capacity from others.

Each refused request is delayed, which costs a sleeping thread. The number of delayed requests is bounded, so
that threads remain for all others.
"""

from collections.abc import Callable
from threading import BoundedSemaphore, Event

MAX_DELAYED = 64  # requests per process
DELAY = 0.5  # seconds


def _sleep(seconds: float) -> None:
    Event().wait(seconds)  # `time.sleep` fails under libfaketime, which `make cluster` runs a machine with


class RefusalDelay:
    """Delays at most `places` requests at once, each by `pause` seconds."""

    def __init__(
        self, pause: float = DELAY, places: int = MAX_DELAYED, wait: Callable[[float], object] = _sleep
    ) -> None:
        self._pause, self._places, self._wait = pause, BoundedSemaphore(places), wait

    def hold(self) -> None:
        """Sleep for `pause` seconds if there is a place. The caller must not hold a database connection."""
        if self._pause and self._places.acquire(blocking=False):
            try:
                self._wait(self._pause)
            finally:
                self._places.release()
