"""Delay of refusals: clients that ignore `Retry-After` retry immediately, and take capacity from others.

Each refused call is held for a moment, which costs a sleeping thread. The number of held calls is bounded,
so that the other threads answer all other calls.
"""

import time
from collections.abc import Callable
from threading import BoundedSemaphore

MAX_DELAYED = 64  # calls of each process
DELAY = 0.5  # seconds


class RefusalDelay:
    """Holds at most `places` calls at once, each for `pause` seconds."""

    def __init__(
        self, pause: float = DELAY, places: int = MAX_DELAYED, wait: Callable[[float], object] = time.sleep
    ) -> None:
        self._pause, self._places, self._wait = pause, BoundedSemaphore(places), wait

    def hold(self) -> None:
        """Hold the call that is to be refused, if there is a place. It must have no database connection."""
        if self._pause and self._places.acquire(blocking=False):
            try:
                self._wait(self._pause)
            finally:
                self._places.release()
