"""A PostgreSQL server that accepts and does not answer: frozen, or behind a broken route."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.support.postgres_nodes import THERE, link, node_serving
from tests.support.server import Server, serving, until
from tests.support.service import PASSWORD
from utils.database.engine import engine_options

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
RUNNING = "SELECT count(*)::int FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
LIMIT = 10  # seconds for any call, and for the recovery
READY_LIMIT = 3  # seconds for a probe: 2 and the load of the tests
Answer = tuple[int, str, float]


def timed(server: Server, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
    """Return status, error code and seconds of a call."""
    began = monotonic()
    status, answer = server.call(method, path, body, token)
    return status, answer.get("code", ""), monotonic() - began


def check_hanging(server: Server, hangs: AbstractContextManager[None]) -> None:
    """Check that calls fail in time while the database hangs, and soon succeed afterwards."""
    server.call("POST", "/auth/register", ADA)
    pair = server.call("POST", "/auth/login", ADA)[1]
    access, body = pair["access_token"], {"refresh_token": pair["refresh_token"]}
    calls: list[tuple[Any, ...]] = [
        ("POST", "/auth/login", ADA),
        ("POST", "/auth/refresh", body),
        ("POST", "/auth/register", {**ADA, "username": "grace"}),
        ("POST", "/auth/password/forgot", {"email": "ada@example.com"}),
        ("GET", "/auth/sessions", None, access),
        *[("GET", "/auth/me", None, access)] * 40,  # more than there are connections
    ]
    with ThreadPoolExecutor(len(calls)) as pool:
        # Fill the pool, so that its connections are those of before.
        assert {s for s, _, _ in pool.map(lambda call: timed(server, *call), calls[-1:] * 40)} == {200}
        with hangs:
            answers = [pool.submit(timed, server, *call) for call in calls]
            for _ in range(3):
                status, code, took = timed(server, "GET", "/health/ready")
                assert (status, code) == (503, "unavailable")
                assert took < READY_LIMIT
            assert timed(server, "GET", "/health/live")[2] < READY_LIMIT
            for number, answer in enumerate(answers):
                status, code, took = answer.result()
                assert (status, code) == (503, "unavailable"), calls[number]
                assert took < LIMIT, calls[number]
            status, code, took = timed(server, "GET", "/auth/me", None, access)  # by new connections
            assert (status, code) == (503, "unavailable")
            assert took < LIMIT
    began = monotonic()
    until(lambda: server.call("GET", "/health/ready")[0] == 200, "the service to be ready")
    until(lambda: server.call("GET", "/auth/me", token=access)[0] == 200, "calls to be answered")
    assert monotonic() - began < LIMIT
    assert server.call("POST", "/auth/login", ADA)[0] == 200
    assert "Traceback" not in server.log.read_text()


@pytest.mark.slow
def test_frozen_postgres_is_a_503_in_time_and_the_service_recovers(tmp_path: Path) -> None:
    with node_serving() as node, serving(node.uri, tmp_path) as server:
        check_hanging(server, node.frozen())


@pytest.mark.nightly
def test_dropped_route_to_postgres_is_a_503_in_time_and_the_service_recovers(tmp_path: Path) -> None:
    with link() as way, node_serving(THERE, way.within) as node, serving(node.uri, tmp_path) as server:
        check_hanging(server, way.broken())


@pytest.mark.nightly
def test_command_on_an_unreachable_postgres_fails_after_the_keepalives() -> None:
    """Commands have no deadlines: only the kernel notices."""
    with link() as way, node_serving(THERE, way.within) as node:
        engine = create_engine(node.uri, **engine_options(node.uri))
        with engine.connect() as connection, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(connection.execute, text("SELECT pg_sleep(60)"))
            until(lambda: node.sql(RUNNING) == [(1,)], "the statement to run")
            with way.broken():
                began = monotonic()
                assert isinstance(waiting.exception(timeout=30), OperationalError)
                assert 5 < monotonic() - began < 20
        engine.dispose()
