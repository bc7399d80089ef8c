"""Rate limit subjects: which requests count as one caller, and the cost of counting."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from models import db
from tests.conftest import AppFactory
from tests.support.memory_apps import memory_app
from tests.support.service import FixedClock, at_once, bearer, me, register, rows, signed_in
from tests.support.small_limits import ON, limits, wrong_login
from utils.limits.counters import MAX_LOCAL_KEYS, LocalCounters


@pytest.fixture
def one_call() -> Iterator[Flask]:
    """Yield an app that allows one login a network."""
    clock = FixedClock()
    with memory_app(clock=clock, limiter=limits(clock, login=1)) as app:
        yield app


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
        ("2001:db8:0:1::1", "2001:0DB8:0000:0001:0000:0000:0000:0001"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::ffff:102:304", "1.2.3.4"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        ("", "/run/server.sock"),
        ("unknown", "_hidden"),
    ],
)
def test_equivalent_addresses_are_one_caller(one_call: Flask, first: str, second: str) -> None:
    assert wrong_login(one_call, address=first).status_code == 401
    assert wrong_login(one_call, address=second).status_code == 429


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1.2.3.4", "1.2.3.5"),
        ("2001:db8:0:1::1", "2001:db8:0:2::1"),
        ("::1", "127.0.0.1"),
        ("::1.2.3.4", "1.2.3.4"),
        ("", "127.0.0.1"),
    ],
)
def test_different_addresses_are_different_callers(one_call: Flask, first: str, second: str) -> None:
    assert wrong_login(one_call, address=first).status_code == 401
    assert wrong_login(one_call, address=second).status_code == 401
    assert wrong_login(one_call, address=second).status_code == 429


@pytest.mark.parametrize(
    ("proxies", "first", "second", "is_same"),
    [
        ("0", "1.1.1.1", "2.2.2.2", True),
        ("1", "1.1.1.1", "2.2.2.2", False),
        ("1", "6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1", True),
        ("1", "1.1.1.1, 6.6.6.6", "1.1.1.1, 7.7.7.7", False),
        ("2", "1.1.1.1, 6.6.6.6", "1.1.1.1, 7.7.7.7", True),
        ("2", "9.9.9.9, 1.1.1.1, 6.6.6.6", "8.8.8.8, 1.1.1.1, 6.6.6.6", True),
        ("2", "1.1.1.1", "2.2.2.2", True),  # fewer hops than trusted proxies: nothing is trusted
        ("1", "nonsense", "more nonsense", True),
        ("1", "::ffff:1.1.1.1", "1.1.1.1", True),
    ],
)
def test_forwarded_addresses_are_trusted_up_to_trusted_proxies(
    proxies: str, first: str, second: str, is_same: bool
) -> None:
    clock = FixedClock()
    with memory_app({"TRUSTED_PROXIES": proxies}, clock=clock, limiter=limits(clock, login=1)) as app:
        assert wrong_login(app, X_Forwarded_For=first).status_code == 401
        assert wrong_login(app, X_Forwarded_For=second).status_code == (429 if is_same else 401)


def test_forged_spelling_of_another_header_does_not_evade_the_limit() -> None:
    clock, environ = FixedClock(), {"TRUSTED_PROXIES": "1", "CLIENT_ADDRESS_HEADER": "Clientaddress"}
    with memory_app(environ, clock=clock, limiter=limits(clock, login=1)) as app:
        assert wrong_login(app, Clientaddress="192.0.2.1").status_code == 401
        for number in range(3):
            forged = f"203.0.113.{number}"
            assert wrong_login(app, Clientaddress="192.0.2.1", X_Forwarded_For=forged).status_code == 429
        assert rows(app, "SELECT DISTINCT ip_address FROM audit_events") == [{"ip_address": "192.0.2.1"}]


@pytest.mark.parametrize("proxies", ["1", "2"])
def test_caller_without_forwarded_address_is_not_the_proxy(proxies: str) -> None:
    clock = FixedClock()
    with memory_app({"TRUSTED_PROXIES": proxies}, clock=clock, limiter=limits(clock, login=1)) as app:
        assert wrong_login(app, address="10.0.0.1").status_code == 401
        assert wrong_login(app, address="10.0.0.2").status_code == 429  # one caller without an address
        assert wrong_login(app, address="10.0.0.1", X_Forwarded_For="10.0.0.1, 10.0.0.1").status_code == 401
        assert rows(app, "SELECT DISTINCT ip_address FROM audit_events ORDER BY 1") == [
            {"ip_address": None},
            {"ip_address": "10.0.0.1"},
        ]


def test_other_address_headers_are_never_trusted() -> None:
    clock = FixedClock()
    with memory_app({"TRUSTED_PROXIES": "1"}, clock=clock, limiter=limits(clock, login=1)) as app:
        assert wrong_login(app).status_code == 401
        for header in ("X_Real_Ip", "Forwarded", "X_Client_Ip", "True_Client_Ip", "Cf_Connecting_Ip"):
            assert wrong_login(app, **{header: "6.6.6.6"}).status_code == 429


def test_local_counters_are_bounded() -> None:
    clock = FixedClock()
    counters = LocalCounters(clock, max_keys=10)
    for number in range(1_000):
        counters.hit(f"network {number}", 60)
        counters.hit("busy", 60)
        assert len(counters._windows) <= 10
    # Frequent callers are not evicted by one-time callers.
    assert counters.hit("busy", 60).calls == 1_001
    assert LocalCounters(clock)._max_keys == MAX_LOCAL_KEYS == 50_000


def test_full_local_counters_still_count_every_caller() -> None:
    counters = LocalCounters(FixedClock(), max_keys=10)
    for number in range(10):
        counters.hit(f"network {number}", 60)
    assert [counters.hit("late", 60).calls for _ in range(3)] == [1, 2, 3]
    assert counters.hit("network 9", 60).calls == 2
    assert counters.hit("network 0", 60).calls == 1  # least recently used, so it was evicted


def test_parallel_local_calls_are_all_counted() -> None:
    counters = LocalCounters(FixedClock())

    def many() -> None:
        for _ in range(5_000):
            counters.hit("x", 60)

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        at_once([many] * 8)
    finally:
        sys.setswitchinterval(usual)
    assert counters.hit("x", 60).calls == 40_001


def test_local_window_is_fixed() -> None:
    clock = FixedClock()
    counters = LocalCounters(clock)
    assert [counters.hit("x", 60).calls for _ in range(3)] == [1, 2, 3]
    clock.advance(59)
    assert counters.hit("x", 60) == (4, 1)
    clock.advance(1)
    assert counters.hit("x", 60) == (1, 60)


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Yield the first word of every SQL statement from now on."""
    words: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words.append(statement.split(maxsplit=1)[0].upper())

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield words
    event.remove(engine, "before_cursor_execute", note)


def test_reads_run_select_statements_only(make_app: AppFactory) -> None:
    app = make_app(ON)
    client = app.test_client()
    token = signed_in(client)["access_token"]
    with statements(app) as words:
        for path in ("/auth/me", "/auth/verify", "/auth/sessions", "/openapi.json", "/health/live"):
            assert client.get(path, headers=bearer(token)).status_code < 300
            assert client.get(path).status_code < 500
        assert set(words) == {"SELECT"}
        wrong_login(app)
        assert "INSERT" in words  # proves that writes are recorded


def test_reading_is_limited_by_each_process(make_app: AppFactory, clock: FixedClock) -> None:
    apps = [make_app(limiter=limits(clock, reads=3)) for _ in range(2)]
    token = signed_in(apps[0].test_client())["access_token"]
    for app in apps:
        assert [me(app.test_client(), token).status_code for _ in range(4)] == [200] * 3 + [429]
    assert rows(apps[0], "SELECT key FROM rate_limits WHERE key LIKE 'reads%'") == []


def test_mail_requests_are_limited_by_network_only(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, mailed=2))
    client = app.test_client()
    register(client)

    def ask(email: str, address: str) -> int:
        call = client.post(
            "/auth/password/forgot", json={"email": email}, environ_base={"REMOTE_ADDR": address}
        )
        return call.status_code

    for name, address, status in (
        ("ada", "192.0.2.1", 202),
        ("x", "192.0.2.1", 202),
        ("y", "192.0.2.1", 429),
    ):
        assert ask(f"{name}@example.com", address) == status
    assert ask("ada@example.com", "192.0.2.2") == 202
