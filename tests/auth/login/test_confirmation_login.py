"""Login by the confirmation of a sign-up: in the browser that signed up, or with the password."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.failing_services import failing_at
from tests.support.requests import MINUTE, everything, post, said
from tests.support.service import (
    PASSWORD,
    FixedClock,
    at_once,
    events,
    execute,
    login,
    me,
    register,
    rows,
)
from tests.support.sign_ups import (
    COOKIE,
    PAGE,
    SAME,
    UNPROVEN,
    confirm,
    cookie_of,
    is_asked_for_the_password,
    link,
    sessions,
    sign_up,
)


@pytest.fixture
def here(client: FlaskClient, clock: FixedClock) -> FlaskClient:
    """Return the browser that signed up, half an hour ago."""
    assert sign_up(client).status_code == 201
    clock.advance(30 * MINUTE)
    return client


def test_registration_gives_no_session_but_the_cookie_of_the_sign_up(app: Flask, client: FlaskClient) -> None:
    answer = sign_up(client)
    assert set(answer.get_json()) == {"message", "user"}
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=3600"} <= {*cookie.split("; ")}
    assert "ada" not in cookie
    assert sessions(app) == rows(app, "SELECT * FROM known_devices") == []


def test_registration_without_cookie_delivery_sets_no_cookie(client: FlaskClient) -> None:
    assert "Set-Cookie" not in register(client).headers


@pytest.mark.parametrize("elsewhere", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_other_sites_can_neither_sign_up_nor_confirm_by_cookie(
    app: Flask, here: FlaskClient, elsewhere: dict[str, str]
) -> None:
    token, before = link(app), everything(app)
    body = {"username": "eve", "email": "eve@example.com", "password": PASSWORD, "token_delivery": "cookie"}
    refused = here.post("/auth/register", json=body, headers=elsewhere)
    assert said(refused) == (403, "cross_site_refused")
    refused = here.post(
        "/auth/email/verify", json={"token": token, "token_delivery": "cookie"}, headers=elsewhere
    )
    assert said(refused) == (403, "cross_site_refused")
    assert everything(app) == before
    assert cookie_of(here)


def test_browser_that_signed_up_confirms_and_is_logged_in_without_the_password(
    app: Flask, here: FlaskClient, clock: FixedClock
) -> None:
    token = link(app)
    told = post(here, "email/verify/check", token=token).get_json()
    assert (told["signed_up_here"], told["confirmed"]) == (True, False)
    answer = confirm(here, token)
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["message"], body["next"]) == ("The address is confirmed.", PAGE)
    assert body["user"]["email_verified"] is True
    assert not {"refresh_token", "device_token"} & set(body)
    assert {each.key for each in here._cookies.values()} == {"__Host-refresh", "__Host-device"}  # type: ignore[union-attr]
    (session,) = sessions(app)
    (user,) = rows(app, "SELECT * FROM users")
    assert (session["amr"], session["remembered"], session["factor_at"]) == ("pwd", 0, None)
    assert session["auth_time"] == user["created_at"] < session["created_at"]
    assert events(app) == ["account_registered", "email_verified", "signed_in_at_confirmation"]
    told = me(here, body["access_token"]).get_json()
    assert told["auth_time"] == told["user"]["created_at"]
    assert here.post("/auth/refresh", headers=SAME).status_code == 200


@pytest.mark.parametrize("seconds", [1, -1])
def test_login_by_confirmation_is_never_fresh(
    app: Flask, client: FlaskClient, clock: FixedClock, seconds: int
) -> None:
    """Also within the ten minutes of a fresh login, and on a machine whose clock is behind."""
    sign_up(client)
    token = link(app)
    clock.advance(seconds)
    access = confirm(client, token).get_json()["access_token"]
    change = {"access": access, "email": "new@example.com"}
    assert said(post(client, "email/change", **change)) == (403, "reauth_required")
    proven = post(client, "reauth", access, password=PASSWORD).get_json()["access_token"]
    assert post(client, "email/change", **change | {"access": proven}).status_code == 202


def test_device_of_the_confirmation_becomes_known_without_a_mail(app: Flask, here: FlaskClient) -> None:
    confirm(here, link(app))
    assert len(rows(app, "SELECT * FROM known_devices")) == 1
    assert login(here, token_delivery="cookie", headers=SAME).status_code == 200
    assert mailbox.sent(app) == [("verify_email", "ada@example.com")]


def test_other_browser_gives_the_password_and_is_logged_in(app: Flask, here: FlaskClient) -> None:
    other, token = app.test_client(), link(app)
    assert post(other, "email/verify/check", token=token).get_json()["signed_up_here"] is False
    before = everything(app)
    assert said(confirm(other, token)) == UNPROVEN
    assert everything(app) == before
    assert said(confirm(other, token, password="a wrong password")) == (401, "invalid_credentials")
    body = confirm(other, token, password=PASSWORD).get_json()
    assert (body["user"]["email_verified"], "next" in body) == (True, False)
    (session,) = sessions(app)
    assert (session["auth_time"], session["remembered"]) == (session["created_at"], 0)
    assert events(app)[-2:] == ["email_verified", "signed_in"]
    assert mailbox.sent(app) == [("verify_email", "ada@example.com")]


def test_confirmation_with_password_mails_about_a_device_if_the_account_knows_another(
    app: Flask, here: FlaskClient
) -> None:
    login(app.test_client())
    confirm(app.test_client(), link(app), password=PASSWORD)
    assert len(mailbox.mails(app, "new_sign_in")) == 2


def test_confirmation_delivers_tokens_in_the_body_on_request(app: Flask, here: FlaskClient) -> None:
    client = app.test_client()
    body = post(client, "email/verify", token=link(app), password=PASSWORD, token_delivery="body").get_json()
    assert me(client, body["access_token"]).status_code == 200
    assert {"refresh_token", "device_token"} < set(body)


def test_cookie_is_ignored_where_no_session_is_wanted(app: Flask, here: FlaskClient) -> None:
    token = link(app)
    for more in ({}, {"token_delivery": "body"}):
        assert said(post(here, "email/verify", token=token, **more)) == UNPROVEN
    assert set(post(here, "email/verify", token=token, password=PASSWORD).get_json()) == {"message"}
    assert cookie_of(here) is None
    assert sessions(app) == []


def test_session_of_the_account_confirms_without_a_second_one(app: Flask, here: FlaskClient) -> None:
    access = login(here, token_delivery="cookie", headers=SAME).get_json()["access_token"]
    assert set(confirm(here, link(app), access).get_json()) == {"message"}
    assert len(sessions(app)) == 1
    assert cookie_of(here) is None


def test_login_by_confirmation_replaces_the_session_of_the_browser(app: Flask, here: FlaskClient) -> None:
    register(here, "grace")
    login(here, "grace", token_delivery="cookie", headers=SAME)
    assert confirm(here, link(app)).status_code == 200
    ended = rows(app, "SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL")
    assert ended == [{"end_reason": "replaced"}]


def test_link_of_an_address_change_never_logs_in(app: Flask, here: FlaskClient) -> None:
    access = login(here).get_json()["access_token"]
    post(here, "email/change", access, email="new@example.com")
    token = mailbox.token(app, "change_email", "new@example.com")
    before = len(sessions(app))
    assert post(here, "email/verify/check", token=token).get_json()["signed_up_here"] is False
    assert said(confirm(here, token)) == UNPROVEN
    answer = confirm(here, token, password=PASSWORD)
    assert (set(answer.get_json()), len(sessions(app))) == ({"message"}, before)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.provokes_errors
def test_cookie_stays_until_its_use_is_committed(app: Flask, here: FlaskClient) -> None:
    token, failures = link(app), 0
    while True:
        with failing_at(app, failures + 1, "OperationalError") as asked:
            answer = confirm(here, token)
        if len(asked) <= failures:
            break
        failures += 1
        assert (answer.status_code, asked[failures - 1 :]) == (503, asked[-1:])
        assert cookie_of(here)
    assert answer.status_code == 200
    assert "COMMIT" in asked
    assert cookie_of(here) is None


# Where to go on


@pytest.mark.parametrize(
    ("address", "may_lead_there"),
    [
        ("https://app.example.com/cart?id=1", True),
        ("/account/devices", True),
        ("https://app.example.com.evil.example/", False),
        ("//evil.example", False),
        ("javascript:alert(1)", False),
        ("/logout", False),
    ],
)
def test_confirmation_returns_next_only_if_it_is_a_return_address(
    make_app: AppFactory, address: str, may_lead_there: bool
) -> None:
    app = make_app({"RETURN_ORIGINS": "https://app.example.com"})
    client = app.test_client()
    sign_up(client, next=address)
    answer = confirm(client, link(app))
    assert answer.status_code == 200
    assert answer.get_json().get("next") == (address if may_lead_there else None)


def test_confirmation_by_password_returns_next_in_the_browser_that_signed_up(
    app: Flask, here: FlaskClient
) -> None:
    """The cookie opens nothing once the account has a second factor. A wrong password does not clear it."""
    execute(app, "UPDATE users SET two_factor_at = created_at")
    token = link(app)
    assert said(confirm(here, token, password="a wrong password")) == (401, "invalid_credentials")
    execute(app, "UPDATE users SET two_factor_at = NULL")
    assert confirm(here, token, password=PASSWORD).get_json()["next"] == PAGE


# Accounts whose existence is hidden


def test_cookie_is_set_alike_for_a_taken_address(make_app: AppFactory) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    lines = []
    for name, email in (("ada", "ada@example.com"), ("eve", "ada@example.com"), ("bob", "bob@example.com")):
        answer = sign_up(client, name, email=email)
        assert answer.status_code == 202
        (line,) = answer.headers.getlist("Set-Cookie")
        value = cookie_of(client) or ""
        attributes = [part for part in line.replace(value, "").split("; ") if not part.startswith("Expires=")]
        lines.append(("; ".join(attributes), len(value), value[:10]))  # the last is most of the time
    assert len({*lines}) == 1


def test_cookie_of_a_taken_address_opens_nothing(make_app: AppFactory) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    sign_up(app.test_client())
    token, eve = link(app), app.test_client()
    sign_up(eve, "eve", email="ada@example.com")
    is_asked_for_the_password(app, eve, token)


# Races


@pytest.mark.both_databases
def test_concurrent_confirmations_by_link_and_cookie_give_one_session(
    app: Flask, client: FlaskClient
) -> None:
    sign_up(client)
    token, value = link(app), cookie_of(client) or ""

    def browser() -> Callable[[], TestResponse]:
        copy = app.test_client()
        copy.set_cookie(COOKIE, value)
        return lambda: confirm(copy, token)

    answers = at_once([browser() for _ in range(8)])
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {said(answer) for answer in answers if answer.status_code != 200} <= {
        (410, "token_used"),
        UNPROVEN,
    }
    assert len(sessions(app)) == 1
    assert events(app).count("email_verified") == events(app).count("signed_in_at_confirmation") == 1
