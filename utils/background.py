"""A background thread of a serving process, which repeats one step."""

from collections.abc import Callable
from multiprocessing.util import Finalize
from threading import Event, Lock, Thread

STOP_TIMEOUT = 8.0  # seconds for the current step to finish when the process ends


class BackgroundTask:
    """Calls `step` until it returns False, when woken and every `poll` seconds.

    With `in_background`, the first call of `wake` or `serve` starts a thread in the calling process. Creating
    the app starts none, so that a server can fork its workers first. On a regular exit of the process the
    current step is finished. Commands and tests use no thread.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        *,
        interrupted: Callable[[str], object],
        in_background: bool,
        poll: float,
        delay: float = 0.0,
        pause: float = 0.0,
    ) -> None:
        """Wait `delay` seconds before the first step and `pause` between two.

        `interrupted` gets the type of an exception that a step raised. The thread goes on at the next poll.
        """
        self._name, self._step, self._interrupted = name, step, interrupted
        self._in_background = in_background
        self._poll, self._delay, self._pause = poll, delay, pause
        self._lock, self._woken, self._stopped = Lock(), Event(), Event()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """Signal that there is something to do. Returns immediately."""
        self.serve()
        self._woken.set()

    def serve(self) -> None:
        """Start the thread if this is a serving process."""
        if self._in_background:
            self.start()

    def start(self) -> None:
        """Start the thread, unless it runs. It polls when woken, or after `poll` seconds."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                # Not atexit: multiprocessing workers, such as granian's, do not call it.
                Finalize(self, self.stop, exitpriority=10)
                self._thread.start()

    def stop(self) -> None:
        """Finish the current step and stop the thread."""
        self._stopped.set()
        self._woken.set()
        if self._thread:
            self._thread.join(STOP_TIMEOUT)

    def _run(self) -> None:
        while not self._stopped.is_set():
            # Wait first: a worker that has just started does not handle signals yet.
            self._woken.wait(self._poll)
            self._woken.clear()
            self._stopped.wait(self._delay)
            try:
                while not self._stopped.is_set() and self._step():
                    self._stopped.wait(self._pause)
            except Exception as problem:  # noqa: BLE001  (an unavailable database must not end the thread)
                self._interrupted(type(problem).__name__)
