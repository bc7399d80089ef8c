"""Concurrent calls: the database decides, and at most one succeeds."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support.requests import confirm_addresses, post
from tests.support.service import (
    PASSWORD,
    at_once,
    bearer,
    events,
    execute,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.passwords.hashing import PasswordHasher

pytestmark = pytest.mark.both_databases

CHEAP = "scrypt:256:8:1"


def statuses(answers: list[TestResponse]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    "names", [["ada"] * 10, ["ada", "Ada", "ADA", "aDa", "adA"] * 2], ids=["same", "case"]
)
def test_concurrent_registrations_of_one_username_succeed_once(app: Flask, names: list[str]) -> None:
    answers = at_once(
        [
            partial(register, app.test_client(), name, email=f"{number}@example.com")
            for number, name in enumerate(names)
        ]
    )
    assert statuses(answers) == {201: 1, 409: len(names) - 1}
    codes = {answer.get_json()["code"] for answer in answers if answer.status_code == 409}
    assert codes <= {"username_taken", "account_taken"}
    assert len(rows(app, "SELECT id FROM users")) == 1
    assert events(app) == ["account_registered"]


def test_concurrent_registrations_of_one_address_succeed_once(app: Flask) -> None:
    addresses = ["ada@example.com", "ADA@example.com", "ada@EXAMPLE.com"] * 3
    answers = at_once(
        [
            partial(register, app.test_client(), f"user-{number}", email=address)
            for number, address in enumerate(addresses)
        ]
    )
    assert statuses(answers) == {201: 1, 409: 8}
    assert len(rows(app, "SELECT id FROM users")) == 1
    assert events(app) == ["account_registered"]


def test_registration_that_loses_a_race_is_a_409(make_app: AppFactory) -> None:
    """Both see an unused username; the second insert finds it taken."""
    app = make_app()

    class Slow(PasswordHasher):
        def hash(self, password: str) -> str:
            assert register(app.test_client()).status_code == 201
            return super().hash(password)

    answer = register(make_app(hasher=Slow(CHEAP)).test_client())
    assert (answer.status_code, answer.get_json()["code"]) == (409, "account_taken")
    assert answer.get_json()["message"] == "A user with this username or email already exists."


def test_concurrent_derived_usernames_are_distinct(app: Flask) -> None:
    def ask(number: int) -> TestResponse:
        body = {"username_from_email": True, "email": f"ada@{number}.example.com", "password": PASSWORD}
        return app.test_client().post("/auth/register", json=body)

    answers = at_once([partial(ask, number) for number in range(12)])
    assert statuses(answers) == {201: 12}
    assert len({answer.get_json()["user"]["username"] for answer in answers}) == 12
    assert len({answer.get_json()["user"]["id"] for answer in answers}) == 12


def test_concurrent_derived_registrations_of_one_address_succeed_once(app: Flask) -> None:
    body = {"username_from_email": True, "email": "ada@example.com", "password": PASSWORD}
    answers = at_once([lambda: app.test_client().post("/auth/register", json=body)] * 8)
    assert statuses(answers) == {201: 1, 409: 7}


def test_concurrent_refreshes_return_the_same_successor(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["refresh_token"]
    answers = at_once([lambda: refresh(app.test_client(), token)] * 20)
    assert statuses(answers) == {200: 20}
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1
    assert rows(app, "SELECT generation, ended_at FROM sessions") == [{"generation": 1, "ended_at": None}]
    assert events(app).count("session_refreshed") == 1
    assert refresh(client, answers[0].get_json()["refresh_token"]).status_code == 200
    assert all(me(client, answer.get_json()["access_token"]).status_code == 200 for answer in answers)


def test_logout_wins_over_concurrent_refreshes(app: Flask, client: FlaskClient) -> None:
    for _ in range(3):
        token = signed_in(client)["refresh_token"]
        calls: list[Callable[[], TestResponse]] = [
            partial(refresh, app.test_client(), token) for _ in range(6)
        ]
        calls.append(partial(app.test_client().post, "/auth/logout", json={"refresh_token": token}))
        answers = at_once(calls)
        assert answers[-1].status_code == 204
        for answer in answers[:-1]:
            assert answer.status_code in {200, 401}
            if answer.status_code == 200:
                assert me(client, answer.get_json()["access_token"]).status_code == 401
                assert refresh(client, answer.get_json()["refresh_token"]).status_code == 401
    assert rows(app, "SELECT id FROM sessions WHERE ended_at IS NULL") == []
    assert events(app).count("signed_out") == 3


def test_a_disabled_account_has_no_usable_session(app: Flask, client: FlaskClient) -> None:
    register(client)

    def disable() -> None:
        execute(app, "UPDATE users SET disabled_at = created_at")

    answers = at_once([disable, *[lambda: login(app.test_client())] * 6])
    for answer in answers[1:]:
        assert isinstance(answer, TestResponse)
        assert answer.status_code in {200, 401}
        if answer.status_code == 200:
            assert me(client, answer.get_json()["access_token"]).status_code == 401
    assert login(client).status_code == 401


@pytest.mark.both_databases(slow=True)
def test_session_limit_holds_for_concurrent_logins(app: Flask, client: FlaskClient) -> None:
    for _ in range(48):
        signed_in(client)
    answers = at_once([lambda: login(app.test_client())] * 8)
    assert statuses(answers) == {200: 8}
    assert len(rows(app, "SELECT id FROM sessions WHERE ended_at IS NULL")) == 50
    assert events(app).count("signed_in") == 56


def test_concurrent_revoke_others_counts_each_session_once(app: Flask, client: FlaskClient) -> None:
    tokens = [signed_in(client)["access_token"] for _ in range(6)]

    def end_others(token: str) -> TestResponse:
        return app.test_client().post("/auth/sessions/revoke-others", headers=bearer(token))

    answers = at_once([partial(end_others, token) for token in tokens])
    assert set(statuses(answers)) <= {200, 401}
    ended = sum(answer.get_json()["ended"] for answer in answers if answer.status_code == 200)
    living = len(rows(app, "SELECT id FROM sessions WHERE ended_at IS NULL"))
    assert ended + living == 6


def test_concurrent_unknown_logins_are_counted_exactly(app: Flask) -> None:
    answers = at_once([partial(login, app.test_client(), f"unknown-{number}") for number in range(10)])
    assert statuses(answers) == {401: 10}
    assert rows(app, "SELECT count FROM audit_events") == [{"count": 10}]


@pytest.mark.both_databases(slow=True)
def test_concurrent_mails_to_one_address_stay_within_its_limit(app: Flask) -> None:
    """The callers lock accounts of their own, so that only the count of the address is common to them."""
    tokens = [signed_in(app.test_client(), f"mallory{number}")["access_token"] for number in range(6)]

    def ask(token: str) -> TestResponse:
        return post(app.test_client(), "email/change", token, email="Victim@example.com")

    assert statuses(at_once([partial(ask, token) for token in tokens * 3])) == {202: 18}
    assert len(rows(app, "SELECT id FROM outbox WHERE recipient = 'Victim@example.com'")) == 3


def test_concurrent_registrations_of_a_taken_address_mail_its_owner_three_times(make_app: AppFactory) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    register(app.test_client())
    confirm_addresses(app)

    def again(number: int) -> TestResponse:
        return register(app.test_client(), f"mallory{number}", email="ada@example.com")

    assert statuses(at_once([partial(again, number) for number in range(12)])) == {202: 12}
    told = "SELECT id FROM outbox WHERE template = 'address_taken' AND recipient = 'ada@example.com'"
    assert len(rows(app, told)) == 3
