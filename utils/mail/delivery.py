"""Work that goes on beside the requests: a thread that begins when there is something to do."""

import logging
from collections.abc import Callable
from multiprocessing.util import Finalize
from threading import Event, Lock, Thread

log = logging.getLogger("auth")

MOMENT = 0.2  # seconds before it begins: else the answer that wrote a mail would take longer, and tell so
POLL = 5.0  # seconds between two looks: retries fall due, and other processes write work, too
STOP_TIMEOUT = 8.0  # seconds that a piece of work in hand has to finish when the process ends


class Delivery:
    """Calls `deliver_next` until it has nothing to do, whenever it is woken and every few seconds.

    In the background the thread begins with the first call of `wake`, or with `start`, in the
    process that calls: never when the app is made, and so never before a server forks its workers.
    When the process ends in an orderly way, what is in hand is finished. A command or a test has
    no thread of its own: it ends too soon.
    """

    def __init__(self, deliver_next: Callable[[], bool], *, in_background: bool, poll: float = POLL) -> None:
        self._deliver_next, self._in_background, self._poll = deliver_next, in_background, poll
        self._lock, self._woken, self._stopped = Lock(), Event(), Event()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """There is something to deliver. Returns at once."""
        if self._in_background:
            self.start()
        self._woken.set()

    def start(self) -> None:
        """Begin the thread, unless there is one already. It looks for the first time when woken, or later."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = Thread(target=self._run, name="mail-delivery", daemon=True)
                # Not atexit: a worker of multiprocessing, which granian's are, does not call that.
                Finalize(self, self.stop, exitpriority=10)
                self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand, and begin nothing more."""
        self._stopped.set()
        self._woken.set()
        if self._thread:
            self._thread.join(STOP_TIMEOUT)

    def _run(self) -> None:
        while not self._stopped.is_set():
            # First of all: a worker that has only just begun does not listen to signals yet.
            self._woken.wait(self._poll)
            self._woken.clear()
            self._stopped.wait(MOMENT)
            try:
                while not self._stopped.is_set() and self._deliver_next():
                    pass
            except Exception as problem:  # noqa: BLE001  (a database that is away must not end it)
                log.warning("delivery interrupted", extra={"error": type(problem).__name__})
