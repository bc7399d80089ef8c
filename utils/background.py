"""A background thread of a serving process, which repeats one step."""

from collections.abc import Callable
from multiprocessing.util import Finalize
from threading import Event, Lock, Thread
from time import monotonic

STOP_TIMEOUT = 8.0  # seconds for the current steps of all threads to finish when the process ends


class BackgroundTask:
    """Calls `step` until it returns False, when woken and every `poll` seconds.

    With `in_background`, the first call of `wake` or `serve` starts a thread in the calling process. Creating
    the app starts none, so that a server can fork its workers first; a process that is forked after a request
    has no thread. On a regular exit of the process the current step is finished. Commands and tests use no
    thread.
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

        `interrupted` gets the type of an exception that a step raised; the thread goes on at the next poll.
        It also gets that of a start that failed; the next call of `wake` or `serve` tries again.
        """
        self._name, self._step, self._interrupted = name, step, interrupted
        self._in_background = in_background
        self._poll, self._delay, self._pause = poll, delay, pause
        self._lock, self._woken, self._stopped = Lock(), Event(), Event()
        self._thread: Thread | None = None
        self._asked_at = 0.0

    def wake(self) -> None:
        """Signal that there is something to do. Returns immediately."""
        self.serve()
        self._woken.set()

    def serve(self) -> bool:
        """Start the thread if this is a serving process; False if it cannot be started now."""
        return not self._in_background or self.start()

    def start(self) -> bool:
        """Start the thread, unless it runs. It polls when woken, or after `poll` seconds.

        Returns False if it cannot be started now, as without memory for it.
        """
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                thread = Thread(target=self._run, name=self._name, daemon=True)
                try:
                    thread.start()
                except RuntimeError as problem:
                    self._interrupted(type(problem).__name__)
                    return False
                self._thread = thread
                # Not atexit: multiprocessing workers, such as granian's, do not call it. All threads are
                # asked before the first is awaited, so that they stop at the same time.
                Finalize(self, self.ask_to_stop, exitpriority=11)
                Finalize(self, self.stop, exitpriority=10)
        return True

    def ask_to_stop(self) -> None:
        """Let the thread end after its current step. Does not wait."""
        if not self._stopped.is_set():
            self._asked_at = monotonic()
        self._stopped.set()
        self._woken.set()

    def stop(self) -> None:
        """Finish the current step and stop the thread; wait until `STOP_TIMEOUT` after it was asked."""
        self.ask_to_stop()
        if self._thread:
            self._thread.join(max(0.0, self._asked_at + STOP_TIMEOUT - monotonic()))

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
