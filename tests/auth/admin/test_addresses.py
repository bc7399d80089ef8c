"""`flask auth change-email` and `confirm-email`: operators care for addresses whose mail is not read."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import mailbox
from tests.support.api_tokens import owned, status
from tests.support.authenticator_app import Authenticator
from tests.support.commands import asked, auth, event, written
from tests.support.requests import DAY, HOUR, address, confirm_addresses, confirmed, moved, post, said
from tests.support.sent_mail import add_passkey
from tests.support.service import (
    PASSWORD,
    FixedClock,
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

OLD, NEW = "ada@example.com", "new@example.com"
REASON = "Spoke to her at the desk"


def code_of(app: Flask, *words: str) -> str:
    """Run a command that is refused; return the code of the refusal."""
    result = auth(app, *words, "--json")
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return str(json.loads(result.stderr)["code"])


def test_operators_change_of_address_needs_the_link_and_the_password(app: Flask, client: FlaskClient) -> None:
    confirmed(app)
    assert asked(app, "change-email", "ada", NEW) == {"written": True}
    assert mailbox.sent(app)[-1] == ("change_email", NEW)
    text = mailbox.text_of(mailbox.newest(app, "change_email"))
    assert "A person who runs AxiomTech was asked to use this address for your account." in text
    link = mailbox.token(app, "change_email")
    assert address(app) == OLD
    assert post(client, "email/verify", token=link).get_json()["code"] == "missing_fields"
    assert said(post(client, "email/verify", token=link, password="a wrong one")) == (
        401,
        "invalid_credentials",
    )
    assert address(app) == OLD
    assert post(client, "email/verify", token=link, password=PASSWORD).status_code == 200
    assert address(app) == NEW
    assert written(app) == [event("email_change_begun", 1)]
    assert "email_changed" in events(app)


def test_old_address_undoes_an_operators_change(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    confirmed(app)
    auth(app, "change-email", "ada", NEW)
    assert OLD not in [to for _, to in mailbox.sent(app)[1:]]  # only when it moves
    post(client, "email/verify", token=mailbox.token(app, "change_email"), password=PASSWORD)
    assert mailbox.sent(app)[-1] == ("email_changed", OLD)
    clock.advance(72 * HOUR - 1)
    undo = mailbox.token(app, "email_changed")
    assert post(client, "email/change/undo", token=undo).status_code == 200
    assert address(app) == OLD


def test_change_to_an_address_that_is_taken_or_reserved_is_refused(app: Flask, client: FlaskClient) -> None:
    confirmed(app)
    confirmed(app, "grace")
    assert code_of(app, "change-email", "ada", "Grace@example.com") == "email_taken"
    assert code_of(app, "change-email", "ada", OLD) == "email_taken"
    assert moved(app, signed_in(client, "grace")["access_token"]).status_code == 200
    assert code_of(app, "change-email", "ada", "grace@example.com") == "email_taken"
    assert asked(app, "change-email", "grace", "grace@example.com") == {"written": True}  # its own
    before = len(written(app))
    refused = auth(app, "change-email", "ada", "not-an-address-canary")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "email: " in refused.stderr
    assert "canary" not in refused.stderr
    assert len(written(app)) == before


@pytest.mark.parametrize("column", ["disabled_at", "deletion_due_at", "password_blocked_at"])
def test_change_of_address_that_the_owner_could_not_confirm_is_refused(
    app: Flask, client: FlaskClient, column: str
) -> None:
    register(client)
    execute(app, f"UPDATE users SET {column} = created_at")
    assert code_of(app, "change-email", "ada", NEW) == "account_disabled"
    told = auth(app, "change-email", "ada", NEW).stderr
    assert ("The password of the account is blocked" in told) == (column == "password_blocked_at")
    assert mailbox.mails(app, "change_email") == []


def confirm(app: Flask, *more: str) -> dict[str, Any]:
    result: dict[str, Any] = asked(app, "confirm-email", "ada", "--reason", REASON, *more)
    return result


NOTHING = {"sessions": 0, "devices": 0, "second_factors": 0, "api_tokens": 0}


def test_confirmation_by_an_operator_names_its_reason_and_mails_the_address(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    link = mailbox.token(app, "verify_email")
    assert confirm(app) == {"changed": True, "removed": NOTHING}
    user = login(client).get_json()["user"]
    assert user["email_verified"] is True
    assert mailbox.sent(app)[1] == ("email_confirmed", OLD)
    assert written(app) == [event("email_confirmed", 1)]
    (row,) = rows(app, "SELECT detail FROM audit_events WHERE event = 'email_confirmed'")
    assert row["detail"] == REASON
    assert f"An operator confirmed your address: {REASON}." in auth(app, "explain", "ada").stdout
    assert said(post(client, "email/verify", token=link, password=PASSWORD)) == (410, "token_used")
    assert confirm(app) == {"changed": False}
    assert len(mailbox.mails(app, "email_confirmed")) == 1


def test_confirmation_by_an_operator_removes_what_the_registrant_added(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    """The registrant may be another person than the owner of the address."""
    token, pair = owned(app), login(client).get_json()
    execute(app, "UPDATE users SET email_verified_at = NULL")
    device, access = pair["device_token"], pair["access_token"]
    phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
    post(client, "totp/confirm", access, code=phone.code())
    add_passkey(client, access)
    told = auth(app, "confirm-email", "ada", "--reason", REASON).stdout
    assert told == "Confirmed. Removed: 1 session, 2 devices, 2 second factors, 1 API token.\n"
    for table in ("known_devices", "passkeys", "totp_factors", "recovery_codes"):
        assert rows(app, f"SELECT * FROM {table}") == [], table
    assert me(client, access).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert status(app, token, "reports:read") == 401
    answer = login(client, headers={"X-Device-Token": device})  # the password stays, without a factor
    assert answer.status_code == 200
    assert mailbox.sent(app)[-1] == ("new_sign_in", OLD)


def test_owner_of_the_address_disowns_a_confirmation_by_an_operator(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    confirm(app)
    clock.advance(7 * DAY - 1)
    link = mailbox.token(app, "email_confirmed")
    assert post(client, "sessions/disown", token=link).status_code == 200
    assert said(login(client)) == (401, "invalid_credentials")
    new = "a password of the owner"
    reset = mailbox.token(app, "password_blocked", OLD)
    assert post(client, "password/reset", token=reset, password=new).status_code == 200
    assert login(client, password=new).status_code == 200


@pytest.mark.parametrize("column", ["disabled_at", "deletion_due_at"])
def test_address_of_a_closed_account_is_not_confirmed(app: Flask, client: FlaskClient, column: str) -> None:
    register(client)
    execute(app, f"UPDATE users SET {column} = created_at")
    assert code_of(app, "confirm-email", "ada", "--reason", REASON) == "account_disabled"


def test_confirmation_without_a_reason_is_refused(app: Flask, client: FlaskClient) -> None:
    register(client)
    assert auth(app, "confirm-email", "ada").exit_code == 2
    faults = {"": "missing_fields", "   ": "validation_failed", "x" * 81: "validation_failed"}
    faults |= {"a\nb": "validation_failed", "\u202ea": "validation_failed"}
    for reason, code in faults.items():
        assert code_of(app, "confirm-email", "ada", "--reason", reason) == code
    assert rows(app, "SELECT email_verified_at FROM users") == [{"email_verified_at": None}]
    assert written(app) == []


def test_erasure_removes_the_reason_of_a_confirmation(app: Flask, client: FlaskClient) -> None:
    register(client)
    confirm(app)
    auth(app, "close", "ada", "--now")
    assert rows(app, "SELECT detail FROM audit_events WHERE event = 'email_confirmed'") == [{"detail": None}]


def test_reason_is_in_the_activity_of_the_owner(app: Flask, client: FlaskClient) -> None:
    register(client)
    confirm(app)
    access = login(client).get_json()["access_token"]
    confirm_addresses(app)
    activity = client.get("/auth/me/activity", headers=bearer(access)).get_json()
    (row,) = [each for each in activity["events"] if each["event"] == "email_confirmed"]
    assert REASON in row["text"]
