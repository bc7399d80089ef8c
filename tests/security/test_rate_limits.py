"""Rate limits over HTTP: exact counts, correct subjects, response headers, no information leak."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.memory_apps import memory_app
from tests.support.service import (
    CountingHasher,
    FixedClock,
    at_once,
    bearer,
    events,
    login,
    me,
    register,
    rows,
    signed_in,
)
from tests.support.small_limits import ON, burst, limits, told, wrong_login
from utils.limits.rate_limits import POLICIES
from utils.web.http import documentation, limited

pytestmark = pytest.mark.both_databases(slow=True)

# Counted by flows; all other policies are assigned to a route.
OF_FLOWS = {"login-account", "login-day", "login-device", "login-pair", "login-with-device"} | {
    "proof-account",
    "refresh-session",
    "service-roles",
}


def without_limit(app: Flask) -> list[str]:
    """Return the routes with neither a limit nor a documented exemption."""
    views = {rule.rule: documentation(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    fine = {path for path, told in views.items() if (told.limit in POLICIES) != bool(told.unlimited_reason)}
    return sorted(set(views) - fine)


def test_every_route_has_a_limit_or_an_exemption() -> None:
    with memory_app() as app:
        assert without_limit(app) == []
        used = {documentation(view).limit for view in app.view_functions.values()}
        assert used - {None} == set(POLICIES) - OF_FLOWS


def test_route_without_a_limit_is_detected() -> None:
    with memory_app() as app:
        app.add_url_rule("/bare", view_func=lambda: "", endpoint="bare")
        app.add_url_rule("/misspelt", view_func=limited("logni")(lambda: ""), endpoint="misspelt")
        assert without_limit(app) == ["/bare", "/misspelt"]


@pytest.mark.both_databases
def test_parallel_calls_are_limited_exactly(make_app: AppFactory, clock: FixedClock) -> None:
    apps = [make_app(limiter=limits(clock, login=5)) for _ in range(2)]
    assert burst(apps, 50) == {401: 5, 429: 45}
    counted = rows(apps[0], "SELECT key, calls FROM rate_limits WHERE key LIKE 'login:%'")
    assert [row["key"] for row in counted] == ["login:192.0.2.1"]
    assert 5 < counted[0]["calls"] <= 50  # a process that has refused once does not count


@pytest.mark.parametrize("name", ["ada", "unknown"])
def test_parallel_guesses_at_one_username_share_a_limit(
    make_app: AppFactory, clock: FixedClock, name: str
) -> None:
    apps = [make_app(limiter=limits(clock, login_account=4)) for _ in range(2)]
    register(apps[0].test_client())

    def one(number: int) -> Callable[[], int]:
        return lambda: wrong_login(apps[number % 2], name, f"192.0.2.{number}").status_code

    guesses = [one(number) for number in range(40)]
    assert Counter(at_once(guesses)) == {401: 4, 429: 36}


def test_successful_login_does_not_reset_the_limit(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login_account=6))
    signed_in(app.test_client())
    statuses = [
        s
        for _ in range(3)
        for s in (wrong_login(app, "ada").status_code, login(app.test_client()).status_code)
    ]
    assert statuses == [401, 200, 401, 200, 401, 429]


def test_rate_limited_login_computes_no_hash_and_writes_no_event(
    make_app: AppFactory, clock: FixedClock
) -> None:
    counting = CountingHasher(make_app().extensions["auth_services"].hasher)
    app = make_app(limiter=limits(clock, login=2), hasher=counting)
    assert [wrong_login(app).status_code for _ in range(4)] == [401, 401, 429, 429]
    assert counting.calls == 2
    assert rows(app, "SELECT SUM(count) AS refused FROM audit_events") == [{"refused": 2}]
    assert set(events(app)) == {"sign_in_refused"}


def test_rate_limited_response_has_code_and_headers(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login=2))
    policy = '"login";q=2;w=60'
    assert told(wrong_login(app)) == {
        "Retry-After": None,
        "RateLimit": '"login";r=1;t=60',
        "RateLimit-Policy": policy,
    }
    clock.advance(0.5)
    assert told(wrong_login(app))["RateLimit"] == '"login";r=0;t=60'
    clock.advance(49.5)
    answer = wrong_login(app)
    assert answer.status_code == 429
    assert set(answer.get_json()) == {"code", "message", "request_id"}
    assert answer.get_json()["code"] == "rate_limited"
    assert told(answer) == {"Retry-After": "10", "RateLimit": '"login";r=0;t=10', "RateLimit-Policy": policy}
    clock.advance(9.9)
    assert told(wrong_login(app))["Retry-After"] == "1"


def test_successful_response_has_rate_limit_headers(make_app: AppFactory) -> None:
    client = make_app(ON).test_client()
    assert told(register(client))["RateLimit"] == '"register";r=19;t=3600'
    answer = login(client)
    assert told(answer)["RateLimit"] == '"login";r=29;t=60'
    read = me(client, answer.get_json()["access_token"])
    assert (read.status_code, told(read)["RateLimit"]) == (200, '"reads";r=1199;t=60')
    assert set(told(client.get("/health/live")).values()) == {None}


def test_rate_limit_window_is_fixed_not_sliding(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login=2))
    for _ in range(2):
        statuses = []
        for _ in range(3):
            statuses.append(wrong_login(app).status_code)
            clock.advance(19)
        assert statuses == [401, 401, 429]
        clock.advance(2)
        assert wrong_login(app).status_code == 429  # 59 seconds after its first call
        clock.advance(1)


def test_account_limit_does_not_reveal_whether_the_account_exists(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(limiter=limits(clock, login_account=3))
    register(app.test_client())
    seen: dict[str, list[Any]] = {}
    for name in ("ada", "unknown", "unknown@example.com"):
        answers = [wrong_login(app, name, f"192.0.2.{len(seen)}") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert all("account" not in str(answer.headers) for answer in answers)
        seen[name] = [(told(answer), answer.get_json() | {"request_id": ""}) for answer in answers]
    assert seen["ada"] == seen["unknown"] == seen["unknown@example.com"]
    assert seen["ada"][-1][0]["Retry-After"] == "900"
    assert seen["ada"][-1][0]["RateLimit"].startswith('"login";r=9995')


@pytest.mark.parametrize(
    "spellings",
    [
        ("ada", "ADA", "\uff21da"),
        ("ada@example.com", "ADA@Example.COM"),
        ("Unknown", "unknown", "\uff35nknown"),
    ],
    ids=["known username", "known address", "unknown username"],
)
def test_equivalent_usernames_share_one_limit(
    make_app: AppFactory, clock: FixedClock, spellings: tuple[str, ...]
) -> None:
    """If only existing usernames did, the limit would reveal which exist."""
    app = make_app(limiter=limits(clock, login_account=len(spellings)))
    register(app.test_client())
    assert {wrong_login(app, name).status_code for name in spellings} == {401}
    assert {wrong_login(app, name).status_code for name in spellings} == {429}


def test_username_and_address_have_separate_limits(make_app: AppFactory, clock: FixedClock) -> None:
    """A shared count would reveal which address belongs to a username."""
    app = make_app(limiter=limits(clock, login_account=3))
    register(app.test_client())
    assert [wrong_login(app, "ada").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert {wrong_login(app, f"{name}@example.com").status_code for name in ("ada", "bob")} == {401}


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_rate_limit_enabled_switches_limits_off(make_app: AppFactory, enabled: str) -> None:
    app = make_app({"RATE_LIMIT_ENABLED": enabled})
    answers = [wrong_login(app, f"unknown{number}") for number in range(POLICIES["login"].quota + 1)]
    assert answers[-1].status_code == (429 if enabled == "true" else 401)
    assert (told(answers[0])["RateLimit"] is None) == (enabled == "false")
    assert bool(rows(app, "SELECT key FROM rate_limits")) == (enabled == "true")


def test_rate_limit_keys_contain_no_username(make_app: AppFactory) -> None:
    app = make_app(ON)
    register(app.test_client())
    for name in ("hunter2-canary", "canary@example.com", "ada"):
        wrong_login(app, name)
    keys = [row["key"] for row in rows(app, "SELECT key FROM rate_limits ORDER BY key")]
    forms = (
        r"login:192\.0\.2\.1",
        r"login-day:192\.0\.2\.1",
        r"login-pair:[0-9a-f]{32}-192\.0\.2\.1",
        r"login-account:[0-9a-f]{32}",
        r"mail:[0-9a-f]{32}",
        r"register:127\.0\.0\.1",
    )
    assert len(keys) == 10
    assert all(any(re.fullmatch(form, key) for form in forms) for key in keys)


def test_a_refusal_is_logged_and_counted(
    make_app: AppFactory, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(limiter=limits(clock, login=2, login_account=1))
    assert [wrong_login(app).status_code for _ in range(4)] == [401, 429, 429, 429]
    lines = [record.__dict__ for record in caplog.records if record.getMessage() == "request"]
    assert [(line["status"], line["code"], line["route"]) for line in lines[1:]] == [
        (429, "rate_limited", "/auth/login")
    ] * 3
    figures = app.extensions["auth_services"].metrics.exposition().decode()
    assert 'auth_limits_hit_total{policy="login-account"} 1.0' in figures
    assert 'auth_limits_hit_total{policy="login"} 2.0' in figures


def test_expired_windows_are_pruned(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(ON)
    wrong_login(app)
    clock.advance(60)
    assert app.test_cli_runner().invoke(args=["auth", "prune"]).exit_code == 0
    kept = {row["key"].partition(":")[0] for row in rows(app, "SELECT key FROM rate_limits")}
    assert kept == {"login-account", "login-day", "login-pair"}
    clock.advance(86_340)
    assert app.test_cli_runner().invoke(args=["auth", "prune"]).exit_code == 0
    assert rows(app, "SELECT key FROM rate_limits") == []


def test_malformed_requests_count_towards_the_limit(make_app: AppFactory, clock: FixedClock) -> None:
    client: FlaskClient = make_app(limiter=limits(clock, login=2, refresh=1, session_changes=1)).test_client()
    statuses = [client.post("/auth/login", data="{", content_type="text/plain").status_code for _ in range(3)]
    assert statuses == [415, 415, 429]
    assert [client.post("/auth/refresh").status_code for _ in range(2)] == [401, 429]
    ends = [client.post("/auth/sessions/revoke-others", headers=bearer("x")).status_code for _ in range(2)]
    assert ends == [401, 429]
