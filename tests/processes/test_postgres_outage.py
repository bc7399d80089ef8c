"""A Postgres outage under a running service, which recovers without a restart."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import emptied
from tests.support.load import UNDER_LOAD, loading
from tests.support.postgres_server import Postgres, postgres_serving
from tests.support.server import DEADLINE, Server, serving, until
from tests.support.service import PASSWORD

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
LOGIN = {"username": "ada", "password": PASSWORD}
USUAL = {"request", "database unavailable", "delivery interrupted", "notice delivery interrupted"}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_serving() as server:
        yield server


@contextmanager
def away(postgres: Postgres, mode: str) -> Iterator[None]:
    postgres.stop(mode)
    try:
        yield
    finally:
        postgres.start()


def answer_of(server: Server, method: str, path: str, body: Any) -> tuple[int, str | None, dict[str, Any]]:
    """Return the status, `Retry-After` and JSON body of a response."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After"), json.loads(answer.read())
    finally:
        connection.close()


def logged(server: Server) -> list[dict[str, Any]]:
    """Return the log lines; each must be JSON, which a traceback is not."""
    lines = server.log.read_text().partition("Ctrl-C stops it.\n")[2].splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    "mode",
    [pytest.param("fast", marks=pytest.mark.nightly), pytest.param("immediate", marks=pytest.mark.slow)],
)
def test_postgres_outage_is_a_503_and_the_service_recovers(
    postgres: Postgres, tmp_path: Path, mode: str
) -> None:
    with serving(emptied(postgres.uri), tmp_path, WEB_CONCURRENCY="2", **UNDER_LOAD) as server:
        server.call("POST", "/auth/register", ADA)
        token = server.call("POST", "/auth/login", LOGIN)[1]["access_token"]
        workers = server.workers()
        with loading(server) as load:
            until(lambda: load.acknowledged() > 50, "calls to be answered")
            with away(postgres, mode):
                until(lambda: server.call("GET", "/health/ready")[0] == 503, "it to be not ready")
                assert server.call("GET", "/health/live")[0] == 200
                for method, path, body in [
                    ("GET", "/health/ready", None),
                    ("POST", "/auth/login", LOGIN),
                    ("POST", "/auth/register", ADA),
                    ("POST", "/auth/password/forgot", {"email": "ada@example.com"}),
                ]:
                    status, retry_after, said = answer_of(server, method, path, body)
                    assert (status, retry_after, said["code"]) == (503, "5", "unavailable"), path
                    assert set(said) == {"code", "message", "request_id"}
                assert server.call("GET", "/auth/me", token=token)[0] == 503
            until(lambda: server.call("GET", "/health/ready")[0] == 200, "it to be ready again")
            done = load.acknowledged()
            until(lambda: load.acknowledged() > done + 50, "calls to be answered again")
        assert server.call("GET", "/auth/me", token=token)[0] == 200
        assert server.workers() == workers  # no worker was restarted
        assert load.cut == 0
        assert {(status, code) for _, status, code in load.unexpected} == {(503, "unavailable")}
        assert load.lost(server) == []
        events = Counter(line["event"] for line in logged(server))
        assert set(events) <= USUAL, events
        assert "Traceback" not in server.log.read_text()
