"""Failed requests while a server is reloaded, loses a worker, or is stopped."""

import http.client
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from urllib.parse import urlsplit

from bench.flood import CALLER
from bench.load import post
from bench.machine import Noise, workers_of
from bench.servers import Service, register, running

CALLERS = 8  # connections that call `/auth/me` continuously
SETTLE = 2.0  # seconds of requests before and after
DEADLINE = 30.0


@dataclass
class Callers:
    """Clients with persistent connections, which reconnect on errors and count failures."""

    service: Service
    token: str
    answered: int = 0
    cut_off: int = 0  # requests without a response
    longest: float = 0.0  # seconds without a response to any client
    refused: int = 0  # error responses
    _last: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)

    def run(self, stopped: Event) -> None:
        parts, headers = urlsplit(self.service.url), {"Authorization": f"Bearer {self.token}"}
        while not stopped.is_set():
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE)
            try:
                connection.connect()
                while not stopped.is_set():
                    connection.request("GET", "/auth/me", headers=headers)
                    answer = connection.getresponse()
                    answer.read()
                    self._note(answer.status)
                    if answer.will_close:
                        break
            except ConnectionRefusedError:
                stopped.wait(0.01)  # the port is closed, so nothing was sent
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.cut_off += 1
            finally:
                connection.close()

    def _note(self, status: int) -> None:
        now = time.monotonic()
        with self._lock:
            self.answered += status == 200
            self.refused += status != 200
            self.longest, self._last = max(self.longest, now - self._last), now


@contextmanager
def _calling(service: Service) -> Iterator[Callers]:
    token = post(f"{service.url}/auth/login", CALLER)["access_token"]
    callers, stopped = Callers(service, token), Event()
    with ThreadPoolExecutor(CALLERS) as pool:
        futures = [pool.submit(callers.run, stopped) for _ in range(CALLERS)]
        time.sleep(SETTLE)
        callers.longest = 0.0
        try:
            yield callers
        finally:
            stopped.set()
    for each in futures:
        each.result()


def _until(done: Callable[[], bool]) -> float:
    """Return the seconds until `done` returns True, at most `DEADLINE`."""
    began = time.monotonic()
    while not done() and time.monotonic() < began + DEADLINE:
        time.sleep(0.01)
    return time.monotonic() - began


def report_restarts(server: str, database: str, uri: str, rounds: int) -> None:
    """Print a line per event and round."""
    noise, lines = Noise(), []
    for _ in range(rounds):
        with running(server, uri, RATE_LIMIT_ENABLED="false") as service:
            register(service, CALLER["username"])
            lines += [_reloaded(service), _killed(service), _stopped(service)]
    print(f"\n{server} on {database}, {CALLERS} callers of me, 2 workers ({noise})")
    for line in sorted(lines):
        print(f"  {line}")


def _reloaded(service: Service) -> str:
    """Reload (SIGHUP), until all workers are replaced."""
    with _calling(service) as callers:
        before = set(workers_of(service.pid))
        os.kill(service.pid, signal.SIGHUP)
        took = _until(lambda: len(now := set(workers_of(service.pid))) == len(before) and not now & before)
        time.sleep(SETTLE)
    return f"reloaded: {_result(callers, took)}"


def _killed(service: Service) -> str:
    """Kill one worker (SIGKILL), until it is replaced."""
    with _calling(service) as callers:
        before = workers_of(service.pid)
        os.kill(before[0], signal.SIGKILL)
        took = _until(lambda: len(now := workers_of(service.pid)) == len(before) and before[0] not in now)
        time.sleep(SETTLE)
    return f"a worker killed: {_result(callers, took)}"


def _stopped(service: Service) -> str:
    """Stop (SIGTERM), until the main process has ended."""
    with _calling(service) as callers:
        os.kill(service.pid, signal.SIGTERM)
        took = _until(lambda: not _is_running(service.pid))
        callers.longest = 0.0
    return f"stopped: {_result(callers, took)}"


def _is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _result(callers: Callers, took: float) -> str:
    pause = f", {callers.longest:.2f} s without any answer" if callers.longest else ""
    return (
        f"after {took:5.2f} s, {callers.cut_off} of {callers.answered} calls cut off, "
        f"{callers.refused} refused{pause}"
    )
