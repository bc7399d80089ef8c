"""Rate limits counted in Redis, and what is left of them while it is away."""

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
from tests.support.small_limits import ON, burst, guess, limits
from utils.limits.rate_limits import FallbackCounters, LocalCounters, RedisCounters


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_serving() as server:
        yield server


@pytest.fixture
def shared(
    redis: RedisServer, sqlite_template: Path, tmp_path: Path
) -> Iterator[tuple[list[Flask], FixedClock]]:
    """Two apps that share nothing but Redis and a clock, and let each network log in five times."""
    clock = FixedClock()

    def counters() -> FallbackCounters:
        return FallbackCounters(RedisCounters(redis.url), LocalCounters(clock), clock)

    def database() -> dict[str, str]:  # a file, as one in memory is not for several threads
        return {"DATABASE_URI": new_sqlite(sqlite_template, tmp_path)}

    with (
        memory_app(database(), clock=clock, limiter=limits(clock, counters(), login=5)) as first,
        memory_app(database(), clock=clock, limiter=limits(clock, counters(), login=5)) as second,
    ):
        yield [first, second], clock


def allowed(apps: list[Flask], address: str = "192.0.2.1", calls: int = 7) -> list[int]:
    """How many of so many calls from an address each app lets through; every other one is a 429."""
    found = []
    for app in apps:
        statuses = [guess(app, address=address).status_code for _ in range(calls)]
        assert set(statuses) <= {401, 429}
        found.append(statuses.count(401))
    return found


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(
        record.getMessage() == "redis unavailable" and record.levelno == logging.WARNING
        for record in caplog.records
    )


def test_of_parallel_calls_to_two_apps_exactly_the_quota_gets_through(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    apps, _ = shared
    assert burst(apps, 50) == {401: 5, 429: 45}
    assert warnings(caplog) == 0
    assert all(rows(app, "SELECT key FROM rate_limits") == [] for app in apps)


def test_while_redis_is_away_each_app_counts_for_itself(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    apps, clock = shared
    redis.stop()
    assert allowed(apps) == [5, 5]
    assert warnings(caplog) == 2  # once in each app, and then it is left alone
    clock.advance(5)
    assert allowed(apps) == [0, 0]  # who was refused stays so, and Redis is not asked about it
    assert warnings(caplog) == 2
    assert allowed(apps, "192.0.2.2") == [5, 5]
    assert warnings(caplog) == 4


def test_parallel_calls_while_redis_is_away(
    shared: tuple[list[Flask], FixedClock], redis: RedisServer
) -> None:
    apps, _ = shared
    redis.stop()
    assert burst(apps, 50) == {401: 10, 429: 40}


def test_redis_that_comes_back_is_used_again_after_the_pause(
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


def test_redis_that_goes_away_in_the_middle_opens_nothing(
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


def test_redis_that_hangs_costs_a_moment_once(
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
def test_something_else_that_answers_in_the_place_of_redis(words: bytes) -> None:
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


def test_a_redis_that_was_never_there() -> None:
    with memory_app(ON | {"REDIS_URL": "redis://127.0.0.1:1/0"}) as app:
        assert register(app.test_client()).status_code == 201
        assert [guess(app).status_code for _ in range(31)].count(401) == 20  # by name


def test_keys_hold_no_name_and_end_with_their_window(redis: RedisServer) -> None:
    with memory_app(ON | {"REDIS_URL": redis.url}) as app:
        register(app.test_client())
        for name in ("canary", "canary@example.com", "ada"):
            assert guess(app, name).status_code == 401
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
    assert counters.hit("x", 1).calls == 1
    second = counters.hit("x", 900)
    assert second.calls == 2
    assert second.seconds_left <= 1
