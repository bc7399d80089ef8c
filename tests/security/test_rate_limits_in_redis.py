"""Rate limits in Redis, and the fallback while it is unavailable."""

import logging
import re
import socketserver
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask

from tests.conftest import new_sqlite
from tests.support.memory_apps import memory_app
from tests.support.redis_server import RedisServer, redis_serving
from tests.support.service import FixedClock, register, rows
from tests.support.small_limits import ON, burst, limits, wrong_login
from utils.limits.counters import FallbackCounters, LocalCounters, RedisCounters


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_serving() as server:
        yield server


@pytest.fixture
def shared(
    redis: RedisServer, sqlite_template: Path, tmp_path: Path
) -> Iterator[tuple[list[Flask], FixedClock]]:
    """Yield two apps that share only Redis and a clock, with five logins a network."""
    clock = FixedClock()

    def counters() -> FallbackCounters:
        return FallbackCounters(RedisCounters(redis.url), LocalCounters(clock), clock)

    def database() -> dict[str, str]:  # a file, since an in-memory database does not support threads
        return {"DATABASE_URI": new_sqlite(sqlite_template, tmp_path)}

    with (
        memory_app(database(), clock=clock, limiter=limits(clock, counters(), login=5)) as first,
        memory_app(database(), clock=clock, limiter=limits(clock, counters(), login=5)) as second,
    ):
        yield [first, second], clock


def allowed(apps: list[Flask], address: str = "192.0.2.1", calls: int = 7) -> list[int]:
    """Return how many of these calls each app lets through; every other must be a 429."""
    found = []
    for app in apps:
        statuses = [wrong_login(app, address=address).status_code for _ in range(calls)]
        assert set(statuses) <= {401, 429}
        found.append(statuses.count(401))
    return found


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(
        record.getMessage() == "redis unavailable" and record.levelno == logging.WARNING
        for record in caplog.records
    )


def test_parallel_calls_to_two_apps_are_limited_exactly(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    apps, _ = shared
    assert burst(apps, 50) == {401: 5, 429: 45}
    assert warnings(caplog) == 0
    assert all(rows(app, "SELECT key FROM rate_limits") == [] for app in apps)


def test_redis_outage_falls_back_to_counting_in_each_app(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    apps, clock = shared
    redis.stop()
    assert allowed(apps) == [5, 5]
    assert warnings(caplog) == 2  # once in each app, then Redis is not retried
    clock.advance(5)
    assert allowed(apps) == [0, 0]  # a refused caller stays refused without asking Redis
    assert warnings(caplog) == 2
    assert allowed(apps, "192.0.2.2") == [5, 5]
    assert warnings(caplog) == 4


def test_parallel_calls_during_a_redis_outage_are_limited_in_each_app(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer
) -> None:
    apps, _ = shared
    redis.stop()
    assert burst(apps, 50) == {401: 10, 429: 40}


def test_recovered_redis_is_used_again_after_the_pause(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer
) -> None:
    apps, clock = shared
    redis.stop()
    assert allowed(apps, calls=3) == [3, 3]
    redis.start()
    clock.advance(4.9)
    assert allowed(apps) == [2, 2]
    assert redis.lifetimes() == {}
    clock.advance(0.1)
    assert allowed(apps, "192.0.2.2") == [5, 0]


def test_redis_outage_does_not_readmit_limited_callers(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer
) -> None:
    apps, clock = shared
    assert allowed(apps) == [5, 0]
    redis.stop()
    assert allowed(apps) == [0, 0]
    assert allowed(apps, "192.0.2.2") == [5, 5]
    redis.start()
    clock.advance(5)
    assert allowed(apps, "192.0.2.3") == [5, 0]


def test_hanging_redis_delays_only_one_call(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer
) -> None:
    apps, _ = shared
    with redis.hung():
        began = time.perf_counter()
        assert allowed(apps[:1]) == [5]
        assert time.perf_counter() - began < 1.5  # 0.2 s, and a slow machine


@pytest.mark.parametrize(
    "words", [b"+OK\r\n", b"$-1\r\n", b"*1\r\n:1\r\n", b"HTTP/1.1 400\r\n\r\n", b"-OOM\r\n", b"\xff"]
)
def test_invalid_redis_replies_fall_back_to_local_counting(words: bytes) -> None:
    class Other(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.request.recv(4096):
                self.wfile.write(words)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Other) as other:
        other.daemon_threads = True
        Thread(target=other.serve_forever, daemon=True).start()
        url = f"redis://127.0.0.1:{other.server_address[1]}/0"
        clock = FixedClock()
        counters = FallbackCounters(RedisCounters(url), LocalCounters(clock), clock)
        with memory_app(clock=clock, limiter=limits(clock, counters, login=5)) as app:
            assert allowed([app]) == [5]
            clock.advance(5)
            assert allowed([app]) == [0]
        other.shutdown()


def test_unreachable_redis_falls_back_to_local_counting() -> None:
    with memory_app(ON | {"REDIS_URL": "redis://127.0.0.1:1/0"}) as app:
        assert register(app.test_client()).status_code == 201
        assert [wrong_login(app).status_code for _ in range(31)].count(401) == 20  # by name


def test_redis_keys_contain_no_username_and_expire_with_the_window(redis: RedisServer) -> None:
    with memory_app(ON | {"REDIS_URL": redis.url}) as app:
        register(app.test_client())
        for name in ("canary", "canary@example.com", "ada"):
            assert wrong_login(app, name).status_code == 401
        assert app.test_client().get("/auth/me").status_code == 401
    found = redis.lifetimes()
    forms = {
        r"register:127\.0\.0\.1": 3_600_000,
        r"login:192\.0\.2\.1": 60_000,
        r"login-day:192\.0\.2\.1": 86_400_000,
        r"login-pair:[0-9a-f]{32}-192\.0\.2\.1": 86_400_000,
        "login-account:[0-9a-f]{32}": 900_000,
    }
    assert len(found) == 9
    for key, left in found.items():
        (window,) = (window for form, window in forms.items() if re.fullmatch(f"auth:limit:{form}", key))
        assert window - 60_000 < left <= window


def test_a_later_call_does_not_lengthen_the_window(redis: RedisServer) -> None:
    counters = RedisCounters(redis.url)
    assert counters.count({"x": 9}, 1)[0].calls == 1
    (second,) = counters.count({"x": 9}, 900)
    assert second.calls == 2
    assert second.seconds_left <= 1
