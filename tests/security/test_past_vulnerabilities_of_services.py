"""Past vulnerabilities of other projects, continued: caches, cookies, addresses, revocation, limits."""

import re
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages import assets
from tests.conftest import AppFactory
from tests.support.memory_apps import memory_app
from tests.support.requests import confirm_addresses, prune
from tests.support.service import FixedClock, bearer, login, me, refresh, register, signed_in
from tests.support.small_limits import limits, wrong_login

HOME = {"Origin": "http://localhost:8000"}


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        yield app.test_client()


def readable(app: Flask) -> list[str]:
    """Return every path that accepts GET, with one static file of the pages and one of the API page."""
    found = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    plain = {path for path in found if "<" not in path}
    return sorted(plain | {assets.asset("lib/client.js"), "/docs/page.js"})


def test_cve_2023_30861_and_cve_2026_27205_shared_cache(memory: FlaskClient) -> None:
    """Cacheable responses set no cookie and do not depend on one; all others are `no-store`."""
    access = signed_in(memory, token_delivery="cookie", headers=HOME)["access_token"]
    memory.set_cookie("__Host-contrast", "more")
    memory.set_cookie("__Host-signed-in", "1")
    stranger = memory.application.test_client(use_cookies=False)
    kept = []
    for path in readable(memory.application):
        mine = memory.get(path, headers=bearer(access) | {"Accept": "text/html"})
        theirs = stranger.get(path, headers={"Accept": "text/html"})
        for answer in (mine, theirs):
            if answer.headers.getlist("Cache-Control") != ["no-store"]:
                kept.append(path)
                assert "Set-Cookie" not in answer.headers
                assert mine.data == theirs.data
    assert set(kept) == {assets.asset("lib/client.js"), "/docs/page.js"}


def test_cve_2021_21241_get_with_a_cookie_returns_no_token(memory: FlaskClient) -> None:
    pair = signed_in(memory, token_delivery="cookie", headers=HOME)
    cookie = memory.get_cookie("__Host-refresh")
    assert cookie
    for path in readable(memory.application):
        for headers in (HOME, bearer(pair["access_token"]) | HOME):
            answer = memory.get(path, headers=headers)
            told = answer.get_data(as_text=True) + str(answer.headers)
            assert cookie.value not in told, path
            assert not re.search(r"eyJ[\w-]{10,}\.eyJ", told), path  # /openapi.json has "eyJ..." in words
    assert re.search(r"eyJ[\w-]{10,}\.eyJ", pair["access_token"])


@pytest.mark.parametrize(
    "address",
    ["a@" + "b." * 10_000 + "com", "a@" + "b" * 60_000, "a." * 30_000 + "@example.com", "a@b\n" * 10_000],
    ids=["labels", "one label", "dots", "lines"],
)
def test_cve_2023_36053_and_cve_2015_5144_slow_address_validation(memory: FlaskClient, address: str) -> None:
    register(memory)
    began = time.process_time()
    assert register(memory, "bob", email=address).status_code == 400
    assert memory.post("/auth/password/forgot", json={"email": address}).status_code == 400
    assert login(memory, address).status_code == 401
    assert time.process_time() - began < 3


def test_tob_pypi26_1_pruned_session_stays_revoked(make_app: AppFactory, clock: FixedClock) -> None:
    """Tokens need their session's row, so no revocation list can lose an entry."""
    app = make_app({"ENDED_SESSION_RETENTION": "0", "JWT_ACCESS_TOKEN_EXPIRES": "86400"})
    client = app.test_client()
    pair = signed_in(client)
    confirm_addresses(app)
    assert client.post("/auth/logout", headers=bearer(pair["access_token"])).status_code == 204
    clock.advance(1)
    assert prune(app)["sessions"] == 1
    for _ in range(3):
        assert me(client, pair["access_token"]).status_code == 401
        assert refresh(client, pair["refresh_token"]).status_code == 401
        clock.advance(30)


def test_django_allauth_65_8_1_success_does_not_reset_the_network_limit(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """Otherwise an attacker with an account could try other accounts' passwords without limit."""
    app = make_app(limiter=limits(clock, login=5))
    register(app.test_client())

    def own_login() -> int:
        return login(app.test_client(), headers={"X-Forwarded-For": "192.0.2.9"}).status_code

    statuses = [wrong_login(app, f"victim{n}", "127.0.0.1").status_code for n in range(2)]
    statuses += [own_login(), wrong_login(app, "victim", "127.0.0.1").status_code, own_login()]
    assert statuses == [401, 401, 200, 401, 200]
    assert wrong_login(app, "victim", "127.0.0.1").status_code == 429
