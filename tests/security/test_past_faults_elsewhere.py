"""More flaws that others had, each tried on this service and named after where it was found."""

import re
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages import assets
from tests.conftest import AppFactory
from tests.support.memory_apps import memory_app
from tests.support.requests import prune
from tests.support.service import FixedClock, bearer, login, me, refresh, register, signed_in
from tests.support.small_limits import guess, limits

HOME = {"Origin": "http://localhost:8000"}


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        yield app.test_client()


def readable(app: Flask) -> list[str]:
    """Every path that takes a GET; a file of the pages and one of the API page stand for the others."""
    found = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    plain = {path for path in found if "<" not in path}
    return sorted(plain | {assets.asset("lib/api.js"), "/docs/page.js"})


def test_cve_2023_30861_and_cve_2026_27205_a_cache_between(memory: FlaskClient) -> None:
    """What may be kept is the same with and without cookies, and sets none; all else is `no-store`."""
    access = signed_in(memory, token_delivery="cookie", headers=HOME)["access_token"]
    memory.set_cookie("contrast", "more")
    memory.set_cookie("signed-in", "1")
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
    assert set(kept) == {assets.asset("lib/api.js"), "/docs/page.js"}


def test_cve_2021_21241_a_token_for_whoever_asks_with_a_cookie(memory: FlaskClient) -> None:
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
def test_cve_2023_36053_and_cve_2015_5144_an_address_that_takes_long(
    memory: FlaskClient, address: str
) -> None:
    register(memory)
    began = time.perf_counter()
    assert register(memory, "bob", email=address).status_code == 400
    assert memory.post("/auth/password/forgot", json={"email": address}).status_code == 400
    assert login(memory, address).status_code == 401
    assert time.perf_counter() - began < 3


def test_tob_pypi26_1_what_was_ended_is_forgotten_before_its_tokens_run_out(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """There is no list of revoked tokens that could forget one: a token needs its session's row."""
    app = make_app({"ENDED_SESSION_RETENTION": "0", "JWT_ACCESS_TOKEN_EXPIRES": "86400"})
    client = app.test_client()
    pair = signed_in(client)
    assert client.post("/auth/logout", headers=bearer(pair["access_token"])).status_code == 204
    clock.advance(1)
    assert prune(app)["sessions"] == 1
    for _ in range(3):
        assert me(client, pair["access_token"]).status_code == 401
        assert refresh(client, pair["refresh_token"]).status_code == 401
        clock.advance(30)


def test_django_allauth_65_8_1_a_success_clears_the_count_of_its_network(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """Whoever has an account of their own could otherwise guess at others' for ever."""
    app = make_app(limiter=limits(clock, login=5))
    register(app.test_client())

    def own_login() -> int:
        return login(app.test_client(), headers={"X-Forwarded-For": "192.0.2.9"}).status_code

    statuses = [guess(app, f"victim{n}", "127.0.0.1").status_code for n in range(2)]
    statuses += [own_login(), guess(app, "victim", "127.0.0.1").status_code, own_login()]
    assert statuses == [401, 401, 200, 401, 200]
    assert guess(app, "victim", "127.0.0.1").status_code == 429
