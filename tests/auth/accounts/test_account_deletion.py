"""Account deletion: immediate lock-out, 14 days to restore, then erasure; and the data export."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models import db
from tests.support import mailbox
from tests.support.authenticator_app import Authenticator
from tests.support.oauth import client_row
from tests.support.oauth_apps import consent_row, grant_row
from tests.support.requests import (
    DAY,
    MINUTE,
    NEW,
    confirm_addresses,
    confirmed,
    forget,
    moved,
    post,
    prune,
    said,
)
from tests.support.roles import editor
from tests.support.service import (
    PASSWORD,
    FixedClock,
    bearer,
    events,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from tests.support.soft_passkey import SoftPasskey
from utils.auth_helpers import generate_jwt_token

pytestmark = pytest.mark.both_databases(slow=True)

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SEEN = "203.0.113.77"


def leave(client: FlaskClient, access: str) -> Any:
    return client.delete("/auth/me", headers=bearer(access))


def test_account_deletion_revokes_all_access_at_once(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    here, there, stranger = signed_in(client), signed_in(client), signed_in(client, "grace")
    confirm_addresses(app)
    reset = forget(app)
    with app.app_context():
        script = generate_jwt_token(here["user"]["id"])
    clock.advance(1)
    answer = leave(client, here["access_token"])
    assert answer.status_code == 202
    assert answer.get_json()["erase_at"] == "2026-03-15T12:00:01Z"
    assert events(app)[-1] == "deletion_requested"
    for access in (here["access_token"], there["access_token"], script):
        assert said(me(client, access)) == (401, "token_invalid")
    assert refresh(client, there["refresh_token"]).status_code == 401
    assert said(login(client)) == (401, "invalid_credentials")
    assert said(post(client, "password/reset", token=reset, password=NEW)) == (410, "token_used")
    assert said(leave(client, here["access_token"])) == (401, "token_invalid")
    assert me(client, stranger["access_token"]).status_code == 200
    assert mailbox.sent(app)[-1] == ("deletion_requested", "ada@example.com")
    assert "March 15, 2026, 12:00 UTC" in mailbox.text_of(mailbox.newest(app, "deletion_requested"))


def test_account_deletion_clears_the_refresh_cookie(client: FlaskClient) -> None:
    register(client)
    headers = {"Origin": "http://localhost:8000"}
    access = login(client, token_delivery="cookie", headers=headers).get_json()["access_token"]
    assert client.get_cookie("__Host-refresh") is not None
    assert leave(client, access).status_code == 202
    assert client.get_cookie("__Host-refresh") is None


def test_restore_link_works_for_14_days(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    pair = signed_in(client)
    with app.app_context():
        app.config["JWT_ACCESS_TOKEN_EXPIRES"] = 30 * DAY
        script = generate_jwt_token(pair["user"]["id"])
    clock.advance(1)
    leave(client, pair["access_token"])
    token = mailbox.token(app, "deletion_requested")
    clock.advance(14 * DAY - 1)
    assert prune(app)["users"] == 0
    assert post(client, "me/restore", token=token).status_code == 200
    assert events(app)[-1] == "account_restored"
    assert mailbox.sent(app)[-1] == ("account_restored", "ada@example.com")
    for access in (pair["access_token"], script):
        assert me(client, access).status_code == 401  # what was ended stays so
    assert said(post(client, "me/restore", token=token)) == (410, "token_used")
    clock.advance(DAY)
    prune(app)
    assert login(client).status_code == 200


def test_password_forgot_during_pending_deletion_mails_restore_link(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    usual = post(client, "password/forgot", email="unknown@example.com")
    leave(client, signed_in(client)["access_token"])
    first = mailbox.token(app, "deletion_requested")
    clock.advance(3 * DAY)
    answer = post(client, "password/forgot", email="ada@example.com")
    assert (answer.status_code, answer.get_json()) == (usual.status_code, usual.get_json())
    assert mailbox.sent(app)[-1] == ("deletion_requested", "ada@example.com")
    second = mailbox.token(app, "deletion_requested")
    assert first != second
    clock.advance(11 * DAY)
    assert said(post(client, "me/restore", token=second)) == (410, "token_expired")
    clock.advance(-1)
    assert post(client, "me/restore", token=second).status_code == 200
    assert said(post(client, "me/restore", token=first)) == (410, "token_used")
    assert login(client).status_code == 200


def test_disown_link_works_after_an_intruder_deletes_the_account(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    leave(client, signed_in(client)["access_token"])
    token = mailbox.token(app, "new_sign_in")
    clock.advance(7 * DAY - 1)
    assert post(client, "sessions/disown", token=token).status_code == 200
    clock.advance(14 * DAY)
    prune(app)
    assert said(login(client)) == (401, "invalid_credentials")
    restore = mailbox.token(app, "deletion_requested")
    assert said(post(client, "me/restore", token=restore))[0] == 410
    assert post(client, "password/reset", token=forget(app), password=NEW).status_code == 200
    assert login(client, password=NEW).status_code == 200


def account_in_every_table(app: Flask, clock: FixedClock) -> dict[str, Any]:
    """Create an account with a row in every table; return the tokens of a session that is still active."""
    client = app.test_client()
    client.environ_base |= {"REMOTE_ADDR": SEEN, "HTTP_USER_AGENT": AGENT}
    register(client)
    post(client, "email/verify", token=mailbox.token(app, "verify_email"), password=PASSWORD)
    login(client, password="a wrong one")
    access = login(client).get_json()["access_token"]
    moved(app, access, "lovelace@example.com")
    client.patch("/auth/me", json={"username": "lovelace"}, headers=bearer(access))
    post(client, "password/forgot", email="lovelace@example.com")
    token = mailbox.token(app, "reset_password")
    for text in (token, token, "A" * 64):
        post(client, "password/reset", token=text, password=NEW)
    clock.advance(MINUTE)
    pair: dict[str, Any] = login(client, "lovelace", NEW).get_json()
    phone = Authenticator(post(client, "totp", pair["access_token"]).get_json()["secret"], clock)
    post(client, "totp/confirm", pair["access_token"], code=phone.code())
    challenge = login(client, "lovelace", NEW).get_json()["challenge_token"]
    step = {"challenge_token": challenge, "code": phone.next_code(), "trust_device": True}
    pair = post(client, "login/second-factor", **step).get_json()
    options = post(client, "passkeys/options", pair["access_token"]).get_json()["public_key"]
    post(client, "passkeys", pair["access_token"], credential=SoftPasskey().create(options))
    editor(app, "lovelace")
    created = post(client, "tokens", pair["access_token"], name="lovelace's", permissions=["reports:read"])
    assert created.status_code == 201
    client_row(app)
    consent_row(app, user_id=pair["user"]["id"])
    grant_row(app, user_id=pair["user"]["id"], ip_address=SEEN, user_agent=AGENT)
    pair |= refresh(client, pair["refresh_token"]).get_json()
    return pair


def test_erasure_leaves_no_identifying_data(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    confirmed(app, "grace")
    pair = account_in_every_table(app, clock)
    person = pair["user"]["id"]
    sessions = [str(row["id"]) for row in rows(app, "SELECT id FROM sessions")]
    leaving = app.test_client()
    leaving.environ_base |= {"REMOTE_ADDR": SEEN, "HTTP_USER_AGENT": AGENT}
    leave(leaving, pair["access_token"])
    clock.advance(14 * DAY)
    before = len(events(app))
    assert prune(app)["users"] == 1
    assert events(app)[before:] == ["account_erased", "pruned"]
    traces = ["lovelace", "ada@", SEEN, "Firefox", *sessions]
    with app.app_context(), db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                values = dict(row._mapping)
                if values.get("counted_under"):
                    values |= {"ip_address": None, "user_agent": "", "counted_under": ""}  # reference/data.md
                said_there = " ".join(str(value) for value in values.values())
                assert not [trace for trace in traces if trace in said_there], (table.name, values)
                assert "user_id" not in values or values["user_id"] != person, (table.name, values)
                if table.name == "users":
                    assert values["id"] != person
                if table.name == "audit_events":
                    blank = (values["ip_address"], values["user_agent"], values["session_id"])
                    assert values["operator"] or values["user_id"] or blank == (None, "", None)
    assert [row["username"] for row in rows(app, "SELECT username FROM users")] == ["grace"]
    assert register(client, "augusta").status_code == 201
    newest = rows(app, "SELECT max(id) AS id FROM users")[0]["id"]
    assert newest > person  # a key never comes back
    for name in ("lovelace", "ada"):
        assert said(register(client, name)) == (409, "username_taken")
    clock.advance(90 * DAY)
    for name in ("lovelace", "ada"):
        assert register(client, name).status_code == 201


def test_data_export_covers_every_user_table_and_no_secret(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    signed_in(client, "grace")
    pair = account_in_every_table(app, clock)
    person = pair["user"]["id"]
    answer = client.get("/auth/me/export", headers=bearer(pair["access_token"]))
    assert answer.status_code == 200
    found = answer.get_json()
    assert events(app)[-1] == "data_exported"
    exported = {
        "sessions": "sessions",
        "api_tokens": "api_tokens",
        "audit_events": "events",
        "one_time_tokens": "links",
        "outbox": "mails",
        "known_devices": "devices",
        "totp_factors": "authenticators",
        "recovery_codes": "recovery_codes",
        "passkeys": "passkeys",
        "challenges": "challenges",
        "freed_usernames": "freed_usernames",
        "user_roles": "roles",
        "oauth_consents": "app_consents",
        "oauth_grants": "app_grants",
    }
    about = {table.name for table in db.metadata.sorted_tables if "user_id" in table.columns}
    assert about - {"oauth_codes", "oauth_notices"} == exported.keys()  # which live for hours
    for table, key in exported.items():
        held = rows(app, f"SELECT * FROM {table} WHERE user_id = :id", id=person)
        assert len(found[key]) == len(held) > 0, table
    counts = {
        "user": "failures",
        "sessions": "failures",
        "devices": "totp_failures",
        "authenticators": "failures",
    }
    for key, count in counts.items():
        row = found[key] if key == "user" else found[key][0]
        assert isinstance(row[count], int), key
    text = json.dumps(found)
    assert "grace" not in text
    for told in ("lovelace@example.com", "ada@example.com", SEEN, AGENT, "wrong_password"):
        assert told in text
    for secret in secrets_of(app, person):
        assert secret not in text
    for token in mailbox.tokens(app, "reset_password") + mailbox.tokens(app, "verify_email"):
        assert token not in text


def secrets_of(app: Flask, person: int) -> list[str]:
    """Return the secrets stored for this user, in every spelling that an export could contain."""
    with app.app_context(), db.engine.connect() as connection:
        found: list[Any] = []
        for table, column in (
            ("users", "password_hash"),
            ("sessions", "secret"),
            ("one_time_tokens", "nonce"),
            ("known_devices", "device_id"),
            ("one_time_tokens", "id"),
            ("totp_factors", "sealed_secret"),
            ("recovery_codes", "digest"),
            ("api_tokens", "digest"),
            ("passkeys", "credential_id"),
            ("passkeys", "public_key"),
            ("challenges", "nonce"),
        ):
            held = db.metadata.tables[table]
            owner = held.columns["id" if table == "users" else "user_id"]
            found += connection.scalars(select(held.columns[column]).where(owner == person))
    texts = [value.hex() if isinstance(value, bytes) else str(value) for value in found]
    return texts + [text.replace("-", "") for text in texts]


@pytest.mark.parametrize("method", ["DELETE", "GET"])
def test_deletion_and_export_ignore_a_user_id_in_the_request(
    app: Flask, client: FlaskClient, method: str
) -> None:
    ada, grace = signed_in(client), signed_in(client, "grace")
    path = "/auth/me/export" if method == "GET" else "/auth/me"
    sent = {"user_id": grace["user"]["id"], "username": "grace"}
    headers = bearer(ada["access_token"])
    answer = client.open(path, method=method, json=sent, query_string=sent, headers=headers)
    assert answer.status_code in {200, 202}
    assert "grace@example.com" not in answer.get_data(as_text=True)
    assert me(client, grace["access_token"]).status_code == 200
