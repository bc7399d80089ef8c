"""A background thread that delivers mail."""

import logging
from collections.abc import Callable
from multiprocessing.util import Finalize
from threading import Event, Lock, Thread

log = logging.getLogger("auth")

WAKE_DELAY = 0.2  # seconds before a delivery, so that it does not slow the response that wrote the mail
POLL = 5.0  # seconds between polls: retries become due, and other processes write mails
STOP_TIMEOUT = 8.0  # seconds for the current delivery to finish when the process ends


class Delivery:
    """Calls `deliver_next` until it returns False, when woken and every `poll` seconds.

    With `in_background`, the first call of `wake` or `start` starts a thread in the calling process. Creating
    the app starts none, so that a server can fork its workers first. On a regular exit of the process the
    current delivery is finished. Commands and tests use no thread.
    """

    def __init__(self, deliver_next: Callable[[], bool], *, in_background: bool, poll: float = POLL) -> None:
        self._deliver_next, self._in_background, self._poll = deliver_next, in_background, poll
        self._lock, self._woken, self._stopped = Lock(), Event(), Event()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """Signal that there is something to deliver. Returns immediately."""
        if self._in_background:
            self.start()
        self._woken.set()

    def start(self) -> None:
        """Start the thread, unless it runs. It polls when woken, or after `poll` seconds."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = Thread(target=self._run, name="mail-delivery", daemon=True)
                # Not atexit: multiprocessing workers, such as granian's, do not call it.
                Finalize(self, self.stop, exitpriority=10)
                self._thread.start()

    def stop(self) -> None:
        """Finish the current delivery and stop the thread."""
        self._stopped.set()
        self._woken.set()
        if self._thread:
            self._thread.join(STOP_TIMEOUT)

    def _run(self) -> None:
        while not self._stopped.is_set():
            # Wait first: a worker that has just started does not handle signals yet.
            self._woken.wait(self._poll)
            self._woken.clear()
            self._stopped.wait(WAKE_DELAY)
            try:
                while not self._stopped.is_set() and self._deliver_next():
                    pass
            except Exception as problem:  # noqa: BLE001  (an unavailable database must not end the thread)
                log.warning("delivery interrupted", extra={"error": type(problem).__name__})
