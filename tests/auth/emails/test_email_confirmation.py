"""Address confirmation: required proof, links, and pruning of unconfirmed accounts."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import DAY, HOUR, NEW, confirmed, disable, everything, forget, post, prune, said
from tests.support.service import (
    PASSWORD,
    FixedClock,
    bearer,
    events,
    execute,
    last_event,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.auth_helpers import generate_jwt_token
from utils.mail.mailers import MemoryMailer

REQUIRED = {"REQUIRE_VERIFIED_EMAIL": "true"}
WRONG = "a wrong password"


def is_confirmed(app: Flask, name: str = "ada") -> bool:
    found = rows(app, "SELECT email_verified_at FROM users WHERE username = :name", name=name)
    return found[0]["email_verified_at"] is not None


def test_address_is_confirmed_with_link_and_password(app: Flask, client: FlaskClient) -> None:
    user = register(client).get_json()["user"]
    assert user["email_verified"] is False
    assert mailbox.sent(app) == [("verify_email", "ada@example.com")]
    token = mailbox.token(app, "verify_email")
    answer = post(client, "email/verify", token=token, password=PASSWORD)
    assert (answer.status_code, answer.get_json()) == (200, {"message": "The address is confirmed."})
    assert login(client).get_json()["user"]["email_verified"] is True
    assert events(app) == ["account_registered", "email_verified", "signed_in"]
    assert said(post(client, "email/verify", token=token, password=PASSWORD)) == (410, "token_used")
    assert (last_event(app)["event"], last_event(app)["reason"]) == ("link_refused", "link_used")


def test_address_is_confirmed_with_link_and_session(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert post(client, "email/verify", access, token=mailbox.token(app, "verify_email")).status_code == 200
    assert me(client, access).get_json()["user"]["email_verified"] is True


def test_confirmation_without_proof_is_refused_and_keeps_the_link(app: Flask, client: FlaskClient) -> None:
    register(client)
    token = mailbox.token(app, "verify_email")
    before = everything(app)
    answer = post(client, "email/verify", token=token)
    assert (*said(answer), answer.get_json()["fields"]) == (
        400,
        "missing_fields",
        {"password": "is missing"},
    )
    assert everything(app) == before
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200


def test_foreign_session_or_sessionless_token_cannot_confirm(app: Flask, client: FlaskClient) -> None:
    register(client)
    token = mailbox.token(app, "verify_email", "ada@example.com")
    theirs = signed_in(client, "grace")
    ended = signed_in(client)
    client.post("/auth/logout", json={"refresh_token": ended["refresh_token"]})
    with app.app_context():
        script = generate_jwt_token(ended["user"]["id"])
    for access in (theirs["access_token"], script, ended["access_token"], "garbage"):
        assert said(post(client, "email/verify", access, token=token)) == (400, "missing_fields")
        assert said(post(client, "email/verify", access, token=token, password=WRONG))[0] == 401
    assert not is_confirmed(app)
    assert not is_confirmed(app, "grace")
    answer = post(client, "email/verify", theirs["access_token"], token=token, password=PASSWORD)
    assert answer.status_code == 200
    assert is_confirmed(app)
    assert not is_confirmed(app, "grace")


def test_confirmation_with_wrong_password_is_logged_and_keeps_the_link(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    token = mailbox.token(app, "verify_email")
    assert said(post(client, "email/verify", token=token, password=WRONG)) == (401, "invalid_credentials")
    assert events(app) == ["account_registered", "proof_refused"]
    assert last_event(app)["reason"] == "wrong_password"
    assert not is_confirmed(app)
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200


def test_confirmation_link_expires_after_24_hours(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    register(client)
    register(client, "grace")
    first, second = mailbox.tokens(app, "verify_email")
    clock.advance(24 * HOUR - 1)
    assert post(client, "email/verify", token=first, password=PASSWORD).status_code == 200
    clock.advance(1)
    for path in ("email/verify", "email/reject"):
        answer = post(client, path, token=second, password=PASSWORD)
        assert said(answer) == (410, "token_expired")
        assert (last_event(app)["event"], last_event(app)["reason"]) == ("link_refused", "link_expired")
    assert not is_confirmed(app, "grace")


def test_link_of_another_purpose_or_malformed_is_unknown(app: Flask, client: FlaskClient) -> None:
    register(client)
    token = mailbox.token(app, "verify_email")
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    for text in (forget(app), flipped, token + "=", token[:-1], "x", "A" * 64, f" {token}", f"{token}\n"):
        for path in ("email/verify", "email/reject"):
            answer = post(client, path, token=text, password=PASSWORD)
            assert said(answer) == (404, "token_unknown"), text
    for path in ("password/reset", "email/change/undo", "me/restore", "sessions/disown"):
        assert said(post(client, path, token=token, password=NEW)) == (404, "token_unknown")
    assert not is_confirmed(app)
    counted = rows(app, "SELECT count FROM audit_events WHERE event = 'link_refused'")
    assert counted == [{"count": 20}]


def test_password_reset_confirms_the_address(app: Flask, client: FlaskClient) -> None:
    register(client)
    verify = mailbox.token(app, "verify_email")
    assert post(client, "password/reset", token=forget(app), password=NEW).status_code == 200
    assert is_confirmed(app)
    assert said(post(client, "email/verify", token=verify, password=NEW)) == (410, "token_used")


def test_email_not_verified_is_revealed_only_after_correct_password(
    make_app: AppFactory,
) -> None:
    app = make_app(REQUIRED)
    client = app.test_client()
    register(client)
    assert said(login(client, password=WRONG)) == (401, "invalid_credentials")
    assert said(login(client, "unknown")) == (401, "invalid_credentials")
    assert said(login(client)) == (403, "email_not_verified")
    assert last_event(app)["reason"] == "email_not_verified"
    assert rows(app, "SELECT id FROM sessions") == []
    token = mailbox.token(app, "verify_email")
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200
    assert login(client).status_code == 200


@pytest.mark.parametrize("environ", [{}, REQUIRED])
def test_password_reset_by_address_owner_removes_the_registrants_access(
    make_app: AppFactory, clock: FixedClock, environ: dict[str, str]
) -> None:
    app = make_app()
    attacker, owner = app.test_client(), make_app(environ).test_client()
    register(attacker, "mallory", email="victim@example.com")
    pair = login(attacker, "mallory").get_json()
    with app.app_context():
        script = generate_jwt_token(pair["user"]["id"])
    post(attacker, "email/change", pair["access_token"], email="mallory@example.com")
    pending = mailbox.token(app, "change_email", "mallory@example.com")
    clock.advance(1)

    token = forget(app, "victim@example.com")
    assert post(owner, "password/reset", token=token, password=NEW).status_code == 200
    assert said(login(attacker, "mallory")) == (401, "invalid_credentials")
    for access in (pair["access_token"], script):
        assert me(attacker, access).status_code == 401
    assert refresh(attacker, pair["refresh_token"]).status_code == 401
    for body in ({"password": PASSWORD}, {"password": NEW}):
        assert said(post(attacker, "email/verify", token=pending, **body)) == (410, "token_used")
    assert rows(app, "SELECT device_id FROM known_devices") == []
    assert login(owner, "mallory", NEW).get_json()["user"]["email"] == "victim@example.com"


def test_reject_link_erases_the_account_once(app: Flask, client: FlaskClient) -> None:
    signed_in(client, "mallory")
    register(client)
    mail = mailbox.newest(app, "verify_email", "ada@example.com")
    token = mailbox.token_in(mail, "/reject")
    assert token == mailbox.token_in(mail, "/verify-email")
    assert post(client, "email/reject", token=token).status_code == 200
    assert rows(app, "SELECT username FROM users") == [{"username": "mallory"}]
    event = last_event(app)
    assert (event["event"], event["user_id"], event["ip_address"], event["user_agent"]) == (
        "registration_rejected",
        None,
        None,
        "",
    )
    assert said(post(client, "email/reject", token=token)) == (404, "token_unknown")
    assert register(client, "lovelace", email="ada@example.com").status_code == 201


def test_reject_link_never_erases_a_confirmed_account(app: Flask, client: FlaskClient) -> None:
    register(client)
    token = mailbox.token(app, "verify_email")
    post(client, "email/verify", token=token, password=PASSWORD)
    assert said(post(client, "email/reject", token=token)) == (410, "token_used")
    # A link that was mailed while the account was being confirmed.
    execute(app, "UPDATE one_time_tokens SET used_at = NULL WHERE purpose = 'verify'")
    before = events(app)
    assert said(post(client, "email/reject", token=token)) == (410, "token_used")
    assert events(app) == [*before, "link_refused"]
    assert len(rows(app, "SELECT id FROM users")) == 1


@pytest.mark.parametrize("state", ["unknown", "confirmed", "disabled", "leaving"])
def test_resend_response_is_the_same_for_every_address(
    app: Flask, client: FlaskClient, clock: FixedClock, state: str
) -> None:
    register(client, "waiting")
    confirmed(app) if state == "confirmed" else register(client)
    if state == "disabled":
        disable(app)
    if state == "leaving":
        access = login(client).get_json()["access_token"]
        assert client.delete("/auth/me", headers=bearer(access)).status_code == 202
    address = "unknown@example.com" if state == "unknown" else "ada@example.com"
    mailbox.deliver(app)
    count = len(mailbox.sent(app))
    usual = post(client, "email/resend", email="waiting@example.com")
    answer = post(client, "email/resend", email=address)
    assert (answer.status_code, answer.get_json()) == (usual.status_code, usual.get_json())
    assert answer.status_code == 202
    assert mailbox.sent(app)[count:] == [("verify_email", "waiting@example.com")]
    token = mailbox.token(app, "verify_email", "waiting@example.com")
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200


@pytest.mark.parametrize("environ", [{"UNCONFIRMED_ACCOUNT_LIFETIME": "0"}, REQUIRED])
def test_unconfirmed_accounts_are_pruned_after_7_days_only_where_required(
    make_app: AppFactory, clock: FixedClock, environ: dict[str, str]
) -> None:
    app = make_app({"MAIL_URL": "file:unused"} | environ, mailer=MemoryMailer())
    client = app.test_client()
    register(client)
    confirmed(app, "grace")
    clock.advance(7 * DAY)
    assert prune(app)["users"] == 0
    clock.advance(1)
    assert prune(app)["users"] == (1 if environ == REQUIRED else 0)
    left = {row["username"] for row in rows(app, "SELECT username FROM users")}
    assert left == ({"grace"} if environ == REQUIRED else {"grace", "ada"})


def test_link_check_returns_the_address_and_does_not_consume_the_link(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    token = mailbox.token(app, "verify_email")
    waiting = {"status": "valid", "purpose": "verify", "email": "ada@example.com", "confirmed": False}
    waiting["signed_up_here"] = False
    before = everything(app)
    for _ in range(2):
        answer = post(client, "email/verify/check", token=token)
        assert (answer.status_code, answer.get_json()) == (200, waiting)
    assert said(post(client, "email/verify/check", token="x" * 64)) == (404, "token_unknown")
    assert everything(app) == before
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200
    again = post(client, "email/verify/check", token=token)
    assert again.get_json() == waiting | {"confirmed": True}  # who opens a mail twice did nothing wrong
    assert said(post(client, "email/verify", token=token, password=PASSWORD)) == (410, "token_used")


def test_check_of_a_change_link_returns_only_the_new_address(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert post(client, "email/change", access, email="new@example.com").status_code == 202
    token = mailbox.token(app, "change_email", "new@example.com")
    answer = post(client, "email/verify/check", token=token).get_json()
    assert answer == {
        "status": "valid",
        "purpose": "email_change",
        "email": "new@example.com",
        "confirmed": False,
        "signed_up_here": False,
    }
    assert post(client, "email/verify", access, token=token).status_code == 200
    assert post(client, "email/verify/check", token=token).get_json() == answer | {"confirmed": True}
    first = mailbox.token(app, "verify_email", "ada@example.com")
    assert said(post(client, "email/verify/check", token=first)) == (410, "token_used")


def test_link_check_reports_an_expired_link(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    register(client)
    token = mailbox.token(app, "verify_email")
    clock.advance(24 * HOUR)
    assert said(post(client, "email/verify/check", token=token)) == (410, "token_expired")
