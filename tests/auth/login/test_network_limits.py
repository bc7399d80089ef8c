"""Limits of a network's logins: a device is exempt at the account that knows it, and at no other one."""

from collections import Counter

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.authenticator_app import Owner
from tests.support.requests import asked, said
from tests.support.service import FixedClock, login, register, rows, signed_in
from tests.support.small_limits import limits, told, wrong_login
from utils.limits.refusal_delay import RefusalDelay

LIMITED = (429, "rate_limited")
WRONG = (401, "invalid_credentials")
NEIGHBOUR = "127.0.0.1"  # the address of the tests' own calls


def on_device(app: Flask, mark: str, name: str = "ada", **more: str) -> tuple[int, str]:
    return said(login(app.test_client(), name, headers={"X-Device-Token": mark}, **more))


def busy_network(app: Flask) -> None:
    """Use up the limit of the network that the tests call from."""
    while wrong_login(app, "unknown", NEIGHBOUR).status_code != 429:
        pass


@pytest.fixture
def small(make_app: AppFactory, clock: FixedClock) -> Flask:
    return make_app(limiter=limits(clock, login=4, login_device=10))


def test_logins_of_a_neighbour_do_not_lock_a_known_device_out(small: Flask) -> None:
    mark = signed_in(small.test_client())["device_token"]
    busy_network(small)
    assert on_device(small, mark) == (200, "")
    assert said(login(small.test_client())) == LIMITED
    assert on_device(small, "x") == LIMITED
    assert on_device(small, mark, password="a wrong one") == WRONG


def test_known_device_keeps_its_own_limit(small: Flask) -> None:
    mark = signed_in(small.test_client())["device_token"]
    busy_network(small)
    tried = [on_device(small, mark, password="a wrong one")[0] for _ in range(12)]
    assert tried == [401] * 10 + [429] * 2


def test_refusals_of_a_known_device_are_delayed(make_app: AppFactory, clock: FixedClock) -> None:
    waits: list[float] = []
    delay = RefusalDelay(0.5, wait=waits.append)
    app = make_app(limiter=limits(clock, login_device=2), refusal_delay=delay)
    mark = signed_in(app.test_client())["device_token"]
    tried = [on_device(app, mark, password="a wrong one") for _ in range(5)]
    assert tried == [WRONG] * 2 + [LIMITED] * 3
    assert waits == [0.5] * 3


@pytest.mark.parametrize("name", ["ada", "unknown"])
def test_network_of_device_tokens_has_a_limit_that_is_checked_before_anything_is_read(
    make_app: AppFactory, clock: FixedClock, name: str
) -> None:
    app = make_app(limiter=limits(clock, login_with_device=3))
    mark = signed_in(app.test_client())["device_token"]
    tried = [on_device(app, mark, name, password="a wrong one") for _ in range(4)]
    assert tried == [WRONG] * 3 + [LIMITED]
    with asked(app) as statements:
        assert on_device(app, mark, name) == LIMITED
        challenge = {"challenge_token": "x", "code": "000000"}
        second = app.test_client().post(
            "/auth/login/second-factor", json=challenge, headers={"X-Device-Token": mark}
        )
        assert said(second) == LIMITED
    assert statements == []
    assert said(login(app.test_client(), name, password="a wrong one")) == WRONG  # it has a limit of its own
    clock.advance(60)
    assert on_device(app, mark) == (200, "")


def test_100_guesses_at_another_account_with_an_own_device_hit_the_network_limit(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(limiter=limits(clock, login=30))
    register(app.test_client(), "grace")
    mark = signed_in(app.test_client())["device_token"]  # the first of the network's thirty
    tried = Counter(on_device(app, mark, "grace", password="a wrong one") for _ in range(100))
    assert tried == {WRONG: 29, LIMITED: 71}


def test_known_device_does_not_use_up_the_limit_of_its_network(small: Flask) -> None:
    mark = signed_in(small.test_client())["device_token"]
    assert [on_device(small, mark)[0] for _ in range(8)] == [200] * 8
    assert rows(small, "SELECT calls FROM rate_limits WHERE key LIKE 'login:%'") == [{"calls": 1}]


def test_device_token_costs_unknown_names_the_same_work_and_shows_no_count(
    app: Flask, small: Flask, client: FlaskClient
) -> None:
    mark = signed_in(client, "grace")["device_token"]
    register(client)
    seen = []
    for name in ("ada", "unknown"):
        with asked(app) as statements:
            assert on_device(app, mark, name, password="a wrong one") == WRONG
        seen.append([sql for sql in statements if not sql.startswith("INSERT INTO audit_events")])
    assert seen[0] == seen[1]
    headers = {"X-Device-Token": mark}
    counts = [told(login(small.test_client(), name, headers=headers)) for name in ("grace", "ada", "unknown")]
    assert counts == [dict.fromkeys(counts[0])] * 3


def test_network_limit_of_an_unknown_device_is_checked_before_anything_is_read(small: Flask) -> None:
    busy_network(small)
    with asked(small) as statements:
        assert said(login(small.test_client())) == LIMITED
    assert statements == []


def test_second_step_on_a_known_device_is_exempt_as_the_first_one(small: Flask, clock: FixedClock) -> None:
    client = small.test_client()
    mark = {"X-Device-Token": signed_in(client)["device_token"]}
    owner = Owner(client, clock)
    challenge = owner.challenge(headers=mark)
    busy_network(small)
    code = owner.phone.next_code()
    assert said(owner.second_step(challenge, code=code)) == LIMITED
    assert owner.second_step(challenge, code=code, headers=mark).status_code == 200


def test_second_step_with_a_used_challenge_counts_for_the_device(small: Flask, clock: FixedClock) -> None:
    client = small.test_client()
    mark = {"X-Device-Token": signed_in(client)["device_token"]}
    owner = Owner(client, clock)
    challenge = owner.challenge(headers=mark)
    assert owner.second_step(challenge, code=owner.phone.next_code(), headers=mark).status_code == 200
    tried = [owner.second_step(challenge, code="000000", headers=mark).status_code for _ in range(10)]
    assert tried == [401] * 8 + [429] * 2
