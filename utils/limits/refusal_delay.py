"""A tarpit: whoever is refused is answered slowly, so that who never stops calling takes nothing from others.

A caller that ignores `Retry-After` turns each quick refusal into the next call. Held for a moment
it makes few, and costs a thread that sleeps. So many are held and no more: the threads beyond
those answer everybody else.
"""

from threading import BoundedSemaphore, Event

MAX_DELAYED = 64  # calls of each process
DELAY = 0.5  # seconds


class RefusalDelay:
    """Holds at most `places` calls at once, each for `pause` seconds."""

    def __init__(self, pause: float = DELAY, places: int = MAX_DELAYED) -> None:
        self._pause, self._places = pause, BoundedSemaphore(places)

    def hold(self) -> None:
        """Hold the call that is to be refused, if there is a place. It must have no database connection."""
        if self._pause and self._places.acquire(blocking=False):
            try:
                Event().wait(self._pause)
            finally:
                self._places.release()
