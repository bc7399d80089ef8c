"""The limit on concurrent password hashing: running, waiting and refused calls, without held connections."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock, get_native_id
from typing import Any

import pytest

from tests.conftest import AppFactory
from tests.support.server import until
from tests.support.service import PASSWORD, checked_out, events, login, me, register, rows, signed_in
from utils.errors import Busy
from utils.limits.refusal_delay import RefusalDelay
from utils.observability.metrics import Metrics
from utils.passwords.hash_limiter import MAX_WAITING, NICENESS, LimitedHasher


class SlowHasher:
    """A stand-in hasher that blocks until released, and records its concurrency."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.running = self.most = self.calls = 0
        self._lock = Lock()

    def hash(self, password: str) -> str:
        self._compute()
        return f"hash of {password}"

    def check(self, hashed: str, password: str) -> bool:
        self._compute()
        return hashed == f"hash of {password}"

    def is_readable(self, _hashed: str) -> bool:
        return True

    def is_outdated(self, _hashed: str) -> bool:
        return False

    def _compute(self) -> None:
        with self._lock:
            self.running += 1
            self.calls += 1
            self.most = max(self.most, self.running)
        assert self.go_on.wait(30)
        with self._lock:
            self.running -= 1


def gated(slow: Any, concurrency: int = 2, waiting: int = 3, max_wait: float = 30) -> LimitedHasher:
    return LimitedHasher(slow, concurrency=concurrency, waiting=waiting, metrics=Metrics(), max_wait=max_wait)


def figure(hasher: LimitedHasher, name: str) -> float | None:
    return hasher._metrics.registry.get_sample_value(name)


def waiting(hasher: LimitedHasher, number: int) -> Callable[[], bool]:
    return lambda: figure(hasher, "auth_hashes_waiting") == number


def outcome(future: "Future[Any]") -> str:
    return type(future.exception(30)).__name__


def test_hashing_is_limited_and_overflow_is_busy() -> None:
    slow = SlowHasher()
    hasher = gated(slow)
    with ThreadPoolExecutor(20) as pool:
        first = [pool.submit(hasher.hash, PASSWORD) for _ in range(2)]
        until(lambda: slow.running == 2, "two to hash")
        queued = [pool.submit(hasher.check, "x", PASSWORD) for _ in range(3)]
        until(waiting(hasher, 3), "three to wait")
        refused = [pool.submit(hasher.hash, PASSWORD) for _ in range(10)]
        assert {outcome(future) for future in refused} == {"Busy"}  # at once, while the others wait
        assert figure(hasher, "auth_hashes_refused_total") == 10
        slow.go_on.set()
        done: list[Future[Any]] = [*first, *queued]
        assert {outcome(future) for future in done} == {"NoneType"}
    assert (slow.most, slow.calls, figure(hasher, "auth_hashes_waiting")) == (2, 5, 0)


def test_waiting_for_a_hash_times_out() -> None:
    slow = SlowHasher()
    hasher = gated(slow, concurrency=1, waiting=1, max_wait=0.05)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(hasher.hash, PASSWORD)
        until(lambda: slow.running == 1, "one to hash")
        for _ in range(3):  # the place in the queue is given back each time
            assert outcome(pool.submit(hasher.hash, PASSWORD)) == "Busy"
            assert hasher._waiting_left == 1
        slow.go_on.set()
        assert outcome(first) == "NoneType"
    assert (slow.calls, figure(hasher, "auth_hashes_waiting")) == (1, 0)


def test_places_are_released_after_failures() -> None:
    class Broken(SlowHasher):
        def hash(self, _password: str) -> str:
            raise RuntimeError

    hasher = gated(Broken(), concurrency=1, waiting=0)
    for _ in range(5):
        with pytest.raises(RuntimeError):
            hasher.hash(PASSWORD)
    slow = SlowHasher()
    hasher._hasher = slow
    slow.go_on.set()
    assert hasher.hash(PASSWORD) == f"hash of {PASSWORD}"


def test_limiter_without_a_queue_refuses_at_once() -> None:
    slow = SlowHasher()
    hasher = gated(slow, concurrency=1, waiting=0)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(hasher.hash, PASSWORD)
        until(lambda: slow.running == 1, "one to hash")
        with pytest.raises(Busy):
            hasher.check("x", PASSWORD)
        slow.go_on.set()
        first.result(30)


def test_waiting_for_a_hash_holds_no_connection_and_blocks_no_other_call(make_app: AppFactory) -> None:
    slow = SlowHasher()
    slow.go_on.set()
    app = make_app(hasher=(hasher := gated(slow)))
    token = signed_in(app.test_client())["access_token"]
    slow.go_on.clear()
    written = len(events(app))
    with ThreadPoolExecutor(20) as pool:
        calls: list[Future[Any]] = [pool.submit(login, app.test_client(), "ada") for _ in range(2)]
        until(lambda: slow.running == 2, "two to hash")
        calls += [
            pool.submit(login, app.test_client(), name, "wrong password") for name in ("ada", "unknown")
        ]
        calls += [pool.submit(register, app.test_client(), "bob")]
        until(waiting(hasher, 3), "three to wait")
        assert checked_out(app) == 0
        for answer in (
            login(app.test_client()),
            login(app.test_client(), "unknown"),
            register(app.test_client(), "c"),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (503, "busy")
            assert answer.headers["Retry-After"] == "1"
        assert me(app.test_client(), token).status_code == 200
        assert len(events(app)) == written  # a busy refusal is no failed login
        assert checked_out(app) == 0
        slow.go_on.set()
        assert Counter(call.result(30).status_code for call in calls) == {200: 2, 401: 2, 201: 1}
    assert slow.most == 2
    assert [row["username"] for row in rows(app, "SELECT username FROM users ORDER BY id")] == ["ada", "bob"]


def test_hash_concurrency_is_a_setting(make_app: AppFactory) -> None:
    hasher = make_app({"HASH_CONCURRENCY": "3"}).extensions["auth_services"].hasher
    assert isinstance(hasher, LimitedHasher)
    assert hasher._semaphore._initial_value == 3  # type: ignore[attr-defined]  # not in typeshed
    assert hasher._waiting_left == MAX_WAITING == 64


def test_refused_hash_is_delayed_and_takes_no_place() -> None:
    held: list[bool] = []

    class Holding(RefusalDelay):
        def hold(self) -> None:
            held.append(True)

    slow = SlowHasher()
    hasher = LimitedHasher(slow, concurrency=1, waiting=0, metrics=Metrics(), refusal_delay=Holding())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(hasher.hash, PASSWORD)
        until(lambda: slow.running == 1, "the first to hash")
        with pytest.raises(Busy):
            hasher.hash(PASSWORD)
        slow.go_on.set()
        first.result()
    assert held == [True]
    assert hasher.hash(PASSWORD)


class ThreadHasher(SlowHasher):
    """Tells the priority of the thread that computes."""

    def hash(self, _password: str) -> str:
        return str(os.getpriority(os.PRIO_PROCESS, get_native_id()))


@pytest.mark.skipif(sys.platform != "linux", reason="only there a thread has a priority of its own")
def test_hashes_are_computed_with_lower_priority_and_the_caller_keeps_its_own() -> None:
    before = os.getpriority(os.PRIO_PROCESS, get_native_id())
    assert int(gated(ThreadHasher()).hash(PASSWORD)) == min(before + NICENESS, 19)
    assert os.getpriority(os.PRIO_PROCESS, get_native_id()) == before


FORKING = """
import os
from tests.unit.test_hash_limiter import ThreadHasher, gated
hasher = gated(ThreadHasher())
hasher.hash("in the parent")
child = os.fork()
if child == 0:
    hasher.hash("in the child")
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_computes_hashes_in_threads_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "7\n"
