"""Clock steps backward and forward: revocations hold, and no limit becomes endless."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.load import UNDER_LOAD
from tests.support.sent_mail import last, token_in
from tests.support.server import Server, serving, until
from tests.support.service import PASSWORD, FixedClock, bearer, login, me, refresh, register, signed_in
from utils.limits.counters import REDIS_PAUSE, Count, FallbackCounters, LocalCounters
from utils.limits.rate_limits import POLICIES

HOUR = 3600
STEPS = pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
LIMITS = {"RATE_LIMIT_ENABLED": "1"}


@STEPS
def test_logout_holds_after_a_clock_step(client: FlaskClient, clock: FixedClock, step: int) -> None:
    pair = signed_in(client)
    assert client.post("/auth/logout", headers=bearer(pair["access_token"])).status_code == 204
    clock.advance(step)
    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    clock.advance(-step)
    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401


def test_logout_with_the_clock_past_session_expiry_holds_after_correction(
    make_app: AppFactory, clock: FixedClock
) -> None:
    client = make_app({"SESSION_IDLE_LIFETIME": "1800"}).test_client()
    out, other = signed_in(client), signed_in(client)
    clock.advance(HOUR)
    assert client.post("/auth/logout", json={"refresh_token": out["refresh_token"]}).status_code == 204
    clock.advance(-HOUR)
    assert refresh(client, out["refresh_token"]).status_code == 401
    assert me(client, out["access_token"]).status_code == 401
    assert me(client, other["access_token"]).status_code == 200


def test_reset_with_the_clock_ahead_ends_expired_sessions_too(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app({"SESSION_IDLE_LIFETIME": "1800"})
    client = app.test_client()
    pair = signed_in(client)
    clock.advance(HOUR)
    client.post("/auth/password/forgot", json={"email": "ada@example.com"})
    link = {"token": token_in(last(app, "reset_password")), "password": "another good password"}
    assert client.post("/auth/password/reset", json=link).status_code == 200
    clock.advance(-HOUR)
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert login(client).status_code == 401
    assert client.post("/auth/password/reset", json=link).get_json()["code"] == "token_used"


def test_access_token_from_the_future_is_refused_until_refreshed(
    client: FlaskClient, clock: FixedClock
) -> None:
    pair = signed_in(client)
    clock.advance(-HOUR)
    assert me(client, pair["access_token"]).status_code == 401  # its issue time is now in the future
    renewed = refresh(client, pair["refresh_token"]).get_json()
    assert me(client, renewed["access_token"]).status_code == 200
    assert me(client, signed_in(client, "bob")["access_token"]).status_code == 200


def test_refresh_works_after_a_forward_step_within_session_lifetime(
    client: FlaskClient, clock: FixedClock
) -> None:
    pair = signed_in(client)
    clock.advance(HOUR)
    assert me(client, pair["access_token"]).status_code == 401
    renewed = refresh(client, pair["refresh_token"]).get_json()
    assert me(client, renewed["access_token"]).status_code == 200
    clock.advance(24 * HOUR)
    assert refresh(client, renewed["refresh_token"]).status_code == 401


def test_backward_step_does_not_extend_the_grace_period(client: FlaskClient, clock: FixedClock) -> None:
    first = signed_in(client)["refresh_token"]
    clock.advance(1)
    second = refresh(client, first).get_json()["refresh_token"]
    clock.advance(-HOUR)
    assert refresh(client, first).get_json()["code"] == "refresh_token_reused"
    assert refresh(client, second).status_code == 401


def test_backward_step_does_not_refresh_an_old_login(client: FlaskClient, clock: FixedClock) -> None:
    pair = signed_in(client)
    clock.advance(-HOUR)
    headers = bearer(refresh(client, pair["refresh_token"]).get_json()["access_token"])
    answer = client.post("/auth/sessions/revoke-others", headers=headers)
    assert answer.get_json()["code"] == "reauth_required"
    again = client.post("/auth/reauth", json={"password": PASSWORD}, headers=headers).get_json()
    headers = bearer(again["access_token"])
    assert client.post("/auth/sessions/revoke-others", headers=headers).status_code == 200


def wrong_logins(client: FlaskClient, calls: int) -> list[Any]:
    return [login(client, f"unknown{number}", "wrong password") for number in range(calls)]


def test_backward_step_neither_lifts_nor_extends_a_rate_limit(
    make_app: AppFactory, clock: FixedClock
) -> None:
    client, policy = make_app(LIMITS).test_client(), POLICIES["login"]
    assert {answer.status_code for answer in wrong_logins(client, policy.quota)} == {401}
    clock.advance(-HOUR)
    (answer,) = wrong_logins(client, 1)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) == policy.window
    clock.advance(policy.window)
    assert {answer.status_code for answer in wrong_logins(client, policy.quota)} == {401}
    assert wrong_logins(client, 1)[0].status_code == 429


def test_forward_step_ends_a_rate_limit_window(make_app: AppFactory, clock: FixedClock) -> None:
    client, policy = make_app(LIMITS).test_client(), POLICIES["login"]
    wrong_logins(client, policy.quota)
    clock.advance(HOUR)
    assert {answer.status_code for answer in wrong_logins(client, policy.quota)} == {401}
    (answer,) = wrong_logins(client, 1)
    assert (answer.status_code, int(answer.headers["Retry-After"])) == (429, policy.window)


@STEPS
def test_local_rate_limit_is_bounded_after_a_clock_step(clock: FixedClock, step: int) -> None:
    counters = LocalCounters(clock)
    assert [counters.hit("key", 60).calls for _ in range(3)] == [1, 2, 3]
    clock.advance(step)
    calls, seconds_left = counters.hit("key", 60)
    assert (calls, seconds_left) == (4 if step < 0 else 1, 60)
    clock.advance(60)
    assert counters.hit("key", 60).calls == 1


class UnavailableRedis:
    """An unavailable Redis that counts its calls."""

    asked = 0

    def count(self, _quotas: Mapping[str, int], _window: int) -> list[Count]:
        self.asked += 1
        raise ConnectionError

    def peek(self, keys: Sequence[str]) -> list[Count]:
        return self.count(dict.fromkeys(keys, 0), 0)


def test_redis_is_retried_after_a_backward_step(clock: FixedClock) -> None:
    gone = UnavailableRedis()
    counters = FallbackCounters(gone, LocalCounters(clock), clock)
    counters.count({"key": 1}, 60)
    clock.advance(REDIS_PAUSE.total_seconds() / 2)
    counters.count({"key": 1}, 60)
    assert gone.asked == 1
    clock.advance(-HOUR)
    counters.count({"key": 1}, 60)
    assert gone.asked == 2


def test_link_after_a_clock_step_works_once(app: Flask, clock: FixedClock) -> None:
    client = app.test_client()
    register(client)
    client.post("/auth/password/forgot", json={"email": "ada@example.com"})
    link = {"token": token_in(last(app, "reset_password")), "password": "another good password"}
    clock.advance(HOUR)
    assert client.post("/auth/password/reset", json=link).get_json()["code"] == "token_expired"
    clock.advance(-HOUR)
    assert client.post("/auth/password/reset", json=link).status_code == 200
    assert client.post("/auth/password/reset", json=link).get_json()["code"] == "token_used"


def shifted(file: Path, seconds: int) -> None:
    """Shift the clock of the running processes that read this file."""
    fresh = file.with_suffix(".new")
    fresh.write_text(f"{seconds:+d}s\n")
    fresh.replace(file)


def library() -> str:
    """Return the path of libfaketime (Debian package `faketime`); fail the test if it is missing."""
    if given := os.environ.get("LIBFAKETIME"):
        return given
    found = [str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    assert found, "needs faketime (LIBFAKETIME may name the library)"
    return found[0]


def times(server: Server) -> list[str]:
    lines = server.log.read_text().partition("Ctrl-C stops it.\n")[2].splitlines()
    return [json.loads(line)["at"] for line in lines]


@pytest.mark.nightly
@STEPS
def test_two_workers_survive_a_step_of_the_system_clock(database_uri: str, tmp_path: Path, step: int) -> None:
    file = tmp_path / "offset"
    shifted(file, 0)
    faked = {
        "LD_PRELOAD": library(),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    limited = UNDER_LOAD | LIMITS | {"SESSION_IDLE_LIFETIME": "1800"}
    with serving(database_uri, tmp_path, WEB_CONCURRENCY="2", **faked, **limited) as server:
        until(server.all_serve, "both workers to serve")
        workers = server.workers()
        body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        server.call("POST", "/auth/register", body)
        kept, ended = (server.call("POST", "/auth/login", body)[1] for _ in range(2))
        assert server.call("POST", "/auth/logout", {}, ended["access_token"])[0] == 204
        wrong = {"username": "unknown", "password": "wrong password"}
        while server.call("POST", "/auth/login", wrong)[0] != 429:
            pass
        before = times(server)[-1]

        shifted(file, step)
        for _ in range(4):  # often enough to reach both workers
            assert server.call("GET", "/auth/me", token=kept["access_token"])[0] == 401
            assert server.call("GET", "/auth/me", token=ended["access_token"])[0] == 401
        assert (times(server)[-1] < before) == (step < 0)
        assert server.call("POST", "/auth/refresh", {"refresh_token": ended["refresh_token"]})[0] == 401
        still = server.call("POST", "/auth/login", wrong)[0]
        assert still == (429 if step < 0 else 401)  # the window has ended
        status, _ = server.call("POST", "/auth/refresh", {"refresh_token": kept["refresh_token"]})
        assert status == (200 if step < 0 else 401)

        shifted(file, 0)
        assert server.call("GET", "/auth/me", token=ended["access_token"])[0] == 401
        assert server.call("GET", "/health/ready")[0] == 200
        assert server.workers() == workers
        log = server.log.read_text()
        assert '"level": "error"' not in log
        assert "Traceback" not in log
