"""Creating API tokens: by a fresh login, with permissions of the owner, up to a number."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.api_tokens import lifecycle
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.api_tokens import READ, create, created, give, listed, owned, remove, status, take
from tests.support.authenticator_app import Owner
from tests.support.requests import (
    DAY,
    MINUTE,
    confirm_addresses,
    post,
    prune,
    said,
)
from tests.support.service import PASSWORD, FixedClock, at_once, bearer, login, rows


@pytest.mark.both_databases
def test_token_is_shown_once_and_listed_by_its_ends(app: Flask, client: FlaskClient, access: str) -> None:
    made = create(client, access, READ).get_json()
    token = made["token"]
    assert status(app, token) == 204
    found = client.get("/auth/tokens", headers=bearer(access))
    assert token not in found.get_data(as_text=True)
    body = found.get_json()
    assert body["permissions"] == [READ]
    (shown,) = body["tokens"]
    assert shown | {"last_used_at": None} == made["api_token"]
    assert shown["shown"] == f"auth_pat_…{token[-4:]}"
    assert (shown["name"], shown["permissions"]) == ("backup script", [READ])
    assert (shown["created_at"], shown["expires_at"]) == ("2026-03-01T12:00:00Z", "2026-05-30T12:00:00Z")


def test_creation_needs_a_fresh_login(client: FlaskClient, access: str, clock: FixedClock) -> None:
    clock.advance(10 * MINUTE)
    assert said(create(client, access, READ)) == (403, "reauth_required")
    again = post(client, "reauth", access, password=PASSWORD).get_json()["access_token"]
    assert said(create(client, again, READ)) == (201, "")


def test_creation_needs_a_fresh_factor_where_the_account_has_one(app: Flask, clock: FixedClock) -> None:
    owner = Owner(app.test_client(), clock)
    give(app, READ)
    device = owner.second_step(code=owner.phone.next_code(), trust_device=True).get_json()["device_token"]
    clock.advance(11 * MINUTE)
    by_device = login(owner.client, headers={"X-Device-Token": device}).get_json()["access_token"]
    refused = create(owner.client, by_device, READ)
    assert said(refused) == (403, "reauth_required")
    assert refused.get_json()["by_factor"] is True
    fresh = post(owner.client, "reauth", by_device, code=owner.phone.next_code()).get_json()["access_token"]
    assert said(create(owner.client, fresh, READ)) == (201, "")
    assert [row["by_factor"] for row in rows(app, "SELECT by_factor FROM api_tokens")] == [1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": None}, "permissions"),
        ({"permissions": "reports:read"}, "permissions"),
        ({"permissions": [READ, "Reports:read"]}, "permissions"),
        ({"permissions": [READ, ""]}, "permissions"),
        ({"permissions": [READ, 1]}, "permissions"),
        ({"permissions": [READ] * 101}, "permissions"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 366}, "expires_in_days"),
        ({"expires_in_days": -1}, "expires_in_days"),
        ({"expires_in_days": 1.5}, "expires_in_days"),
        ({"expires_in_days": "30"}, "expires_in_days"),
        ({"expires_in_days": 10**30}, "expires_in_days"),
    ],
)
def test_invalid_body_is_refused_by_field(
    app: Flask, client: FlaskClient, access: str, body: dict[str, Any], field: str
) -> None:
    answer = create(client, access, READ, **body)
    assert answer.status_code == 400
    assert [*answer.get_json()["fields"]] == [field]
    assert rows(app, "SELECT id FROM api_tokens") == []


@pytest.mark.parametrize(
    ("maximum", "asked", "days"), [("365", None, 90), ("365", 365, 365), ("30", None, 30), ("30", 30, 30)]
)
def test_lifetime_is_90_days_or_the_maximum_of_the_service(
    make_app: AppFactory, clock: FixedClock, maximum: str, asked: int | None, days: int
) -> None:
    app = make_app({"API_TOKEN_MAX_DAYS": maximum})
    token = owned(app, expires_in_days=asked)
    clock.advance(days * DAY - 1)
    assert status(app, token) == 204
    clock.advance(1)
    assert status(app, token) == 401
    client = app.test_client()
    access = login(client).get_json()["access_token"]
    longer = create(client, access, READ, expires_in_days=int(maximum) + 1)
    assert said(longer) == (400, "validation_failed")


def test_permission_that_the_owner_lacks_is_refused_and_not_repeated(
    app: Flask, client: FlaskClient, access: str
) -> None:
    refused = create(client, access, READ, "invoices:send")
    assert said(refused) == (403, "permission_missing")
    assert "invoices" not in refused.get_data(as_text=True) + str(refused.headers)
    take(app)
    assert said(create(client, access, READ)) == (403, "permission_missing")
    assert client.get("/auth/tokens", headers=bearer(access)).get_json()["permissions"] == []


def test_permission_of_the_service_needs_an_account_with_a_factor(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock
) -> None:
    give(app, role="admin")
    assert said(create(client, access, "auth:view")) == (409, "two_factor_off")
    assert client.get("/auth/tokens", headers=bearer(access)).get_json()["permissions"] == [READ]
    owner = Owner(app.test_client(), clock, "grace")
    give(app, login="grace", role="admin")
    found = owner.client.get("/auth/tokens", headers=bearer(owner.access)).get_json()
    assert found["permissions"] == ["auth:audit", "auth:view"]
    assert said(create(owner.client, owner.access, "auth:view")) == (201, "")
    assert said(create(owner.client, owner.access, "auth:view", "auth:roles")) == (400, "permission_invalid")


def test_creation_is_refused_while_tokens_are_off_and_the_list_is_not(make_app: AppFactory) -> None:
    owned(make_app())
    off = make_app({"API_TOKENS_ENABLED": "false"})
    client = off.test_client()
    access = login(client).get_json()["access_token"]
    assert said(create(client, access, READ, name="another")) == (403, "api_tokens_off")
    (shown,) = listed(client, access)
    assert remove(client, access, shown["id"]) == (204, "")


@pytest.mark.both_databases
def test_name_of_a_removed_or_expired_token_is_free_again(
    client: FlaskClient, access: str, clock: FixedClock
) -> None:
    made = create(client, access, READ, expires_in_days=1).get_json()
    taken = create(client, access, READ, name=" backup script ")
    assert said(taken) == (409, "api_token_name_taken")
    assert [*taken.get_json()["fields"]] == ["name"]
    assert remove(client, access, made["api_token"]["id"]) == (204, "")
    created(client, access, expires_in_days=1)
    clock.advance(DAY)
    created(client, login(client).get_json()["access_token"])


@pytest.mark.both_databases
def test_live_tokens_of_an_account_are_limited_also_at_once(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lifecycle.MAX_LIVE == 50
    monkeypatch.setattr(lifecycle, "MAX_LIVE", 3)
    ids = [
        create(client, access, READ, name=f"n{number}", expires_in_days=1).get_json()["api_token"]["id"]
        for number in range(2)
    ]

    def attempt(number: int) -> Callable[[], tuple[int, str]]:
        return lambda: said(create(app.test_client(), access, READ, name=f"late {number}"))

    full = (409, "too_many_api_tokens")
    assert sorted(at_once([attempt(number) for number in range(4)])) == [(201, ""), full, full, full]
    assert create(client, access, READ, name="more").get_json()["limit"] == 3
    assert remove(client, access, ids[0]) == (204, "")
    assert attempt(9)() == (201, "")
    clock.advance(DAY)  # an expired one does not count
    again = login(client).get_json()["access_token"]
    assert said(create(client, again, READ, name="tomorrow")) == (201, "")


@pytest.mark.both_databases
def test_concurrent_tokens_of_one_name_succeed_once(app: Flask, access: str) -> None:
    answers = at_once([lambda: said(create(app.test_client(), access, READ)) for _ in range(4)])
    assert sorted(answers) == [(201, ""), *[(409, "api_token_name_taken")] * 3]


def test_creation_is_mailed_without_the_name_and_recorded_with_it(
    app: Flask, client: FlaskClient, access: str
) -> None:
    confirm_addresses(app)
    token = created(client, access, name="visit evil.example")
    mail = mailbox.newest(app, "api_token_created", "ada@example.com")
    text = mailbox.text_of(mail)
    assert "until May 30, 2026" in text
    assert not [word for word in ("evil", token, token[-4:]) if word in text]
    (row,) = rows(app, "SELECT * FROM audit_events WHERE event = 'api_token_created'")
    assert (row["user_id"], row["detail"], row["operator"]) == (1, "visit evil.example", None)
    link = mailbox.token_in(mail)
    assert post(app.test_client(), "sessions/disown", token=link).status_code == 200
    assert status(app, token) == 401


def test_account_with_a_token_does_not_expire_unconfirmed(app: Flask, access: str, clock: FixedClock) -> None:
    created(app.test_client(), access, expires_in_days=1)
    clock.advance(30 * DAY)
    prune(app)
    assert [row["username"] for row in rows(app, "SELECT username FROM users")] == ["ada"]


@pytest.mark.parametrize(
    "name",
    [
        *(f"backup{char}script" for char in "\0\t\n\x7f\x85\u2028\u2029\u200b\u200d\u202e\u2066\ufeff\u00ad"),
        *(f"backup{char}" for char in "\u034f\u115f\u3164\ufe0f\u2800\U000e0041\ue000"),
        " ",
        "\u2003",
        "x" * 81,
        "\U0001d160" * 80,  # three characters each in NFC
    ],
)
def test_name_with_a_character_that_is_not_seen_is_refused(
    client: FlaskClient, access: str, name: str
) -> None:
    refused = create(client, access, READ, name=name)
    assert said(refused) == (400, "validation_failed")
    assert [*refused.get_json()["fields"]] == ["name"]


def test_names_that_look_alike_by_their_spaces_or_accents_are_the_same(
    client: FlaskClient, access: str
) -> None:
    made = create(client, access, READ, name="  café \u00a0\u3000  script ").get_json()
    assert made["api_token"]["name"] == "café script"
    again = create(client, access, READ, name="cafe\u0301 script")
    assert said(again) == (409, "api_token_name_taken")
