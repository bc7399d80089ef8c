"""`flask auth close` and `restore`: operators close accounts as their owners do, and undo it."""

import getpass
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.api_tokens import owned, status
from tests.support.commands import asked, auth, event, written
from tests.support.requests import DAY, confirm_addresses, post, prune, said
from tests.support.roles import grant
from tests.support.service import FixedClock, events, login, me, refresh, register, rows, signed_in

END = "2026-03-15T12:00:00Z"


def test_operator_closes_an_account_as_its_owner_would(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    pair, other = signed_in(client), signed_in(client, "grace")
    confirm_addresses(app)
    assert asked(app, "close", "ada") == {"changed": True, "erase_at": END}
    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert said(login(client)) == (401, "invalid_credentials")
    assert me(client, other["access_token"]).status_code == 200
    assert rows(app, "SELECT end_reason FROM sessions WHERE user_id = 1") == [{"end_reason": "operator"}]
    assert mailbox.sent(app)[-1] == ("account_closed", "ada@example.com")
    text = mailbox.text_of(mailbox.newest(app, "account_closed"))
    assert "A person who runs AxiomTech closed your account" in text
    assert "March 15, 2026, 12:00 UTC" in text
    assert written(app) == [event("account_closed", 1)]
    clock.advance(14 * DAY - 1)
    assert prune(app)["users"] == 0
    clock.advance(1)
    assert prune(app)["users"] == 1
    assert rows(app, "SELECT username FROM users") == [{"username": "grace"}]


def test_closing_revokes_api_tokens_for_good(app: Flask, client: FlaskClient) -> None:
    token = owned(app)
    assert status(app, token, "reports:read") == 204
    auth(app, "close", "ada")
    auth(app, "restore", "ada")
    assert status(app, token, "reports:read") == 401


def test_owner_keeps_an_account_that_an_operator_closed(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    signed_in(client)
    auth(app, "close", "ada")
    token = mailbox.token(app, "account_closed")
    clock.advance(14 * DAY - 1)
    assert post(client, "me/restore", token=token).status_code == 200
    assert login(client).status_code == 200
    assert events(app)[-2:] == ["account_restored", "signed_in"]


def test_forgotten_password_of_an_account_that_an_operator_closed_mails_the_way_back(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    confirm_addresses(app)
    auth(app, "close", "ada")
    assert post(client, "password/forgot", email="ada@example.com").status_code == 202
    text = mailbox.text_of(mailbox.newest(app, "deletion_requested"))
    assert "Your account at AxiomTech is closed" in text
    assert "you asked" not in text
    assert post(client, "me/restore", token=mailbox.token(app, "deletion_requested")).status_code == 200


@pytest.mark.parametrize("closed_by", ["operator", "owner"])
def test_operator_restores_an_account_that_operator_or_owner_closed(
    app: Flask, client: FlaskClient, clock: FixedClock, closed_by: str
) -> None:
    pair = signed_in(client)
    confirm_addresses(app)
    if closed_by == "operator":
        auth(app, "close", "ada")
    else:
        client.delete("/auth/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    template = {"operator": "account_closed", "owner": "deletion_requested"}[closed_by]
    link = mailbox.token(app, template)
    clock.advance(DAY)
    result = auth(app, "restore", "ada")
    assert (result.exit_code, result.stdout) == (0, "Restored.\n")
    assert mailbox.sent(app)[-1] == ("account_restored", "ada@example.com")
    said_by_mail = mailbox.text_of(mailbox.newest(app, "account_restored"))
    assert "cancelled on March 2, 2026, 12:00 UTC by a person who runs AxiomTech." in said_by_mail
    assert said(post(client, "me/restore", token=link)) == (410, "token_used")
    assert me(client, pair["access_token"]).status_code == 401  # what was ended stays so
    assert login(client).status_code == 200
    assert written(app)[-1] == event("deletion_stopped", 1)
    clock.advance(14 * DAY)
    assert prune(app)["users"] == 0


def test_repeated_close_and_restore_change_nothing(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    assert asked(app, "restore", "ada") == {"changed": False}
    assert auth(app, "restore", "ada").stdout == "The account was not closed.\n"
    assert auth(app, "close", "ada").stdout == "Closed. It will be erased at 2026-03-15 12:00 UTC.\n"
    clock.advance(DAY)
    assert asked(app, "close", "ada") == {"changed": False, "erase_at": END}
    assert auth(app, "close", "ada").stdout.startswith("The account was already closed. It will be erased at")
    assert len(mailbox.mails(app, "account_closed")) == 1
    assert written(app) == [event("account_closed", 1)]


def test_close_now_erases_at_once_and_names_the_operator_only(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    register(client, "grace")
    sent = len(mailbox.sent(app))
    result = auth(app, "close", "ada", "--now")
    assert (result.exit_code, result.stdout) == (0, "Erased.\n")
    assert me(client, pair["access_token"]).status_code == 401
    assert rows(app, "SELECT username FROM users") == [{"username": "grace"}]
    assert len(mailbox.sent(app)) == sent
    assert written(app) == [event("account_erased")]
    (row,) = rows(app, "SELECT * FROM audit_events WHERE event = 'account_erased'")
    assert (row["operator"], row["user_id"], row["detail"]) == (getpass.getuser(), None, None)
    auth(app, "close", "grace")
    assert asked(app, "close", "grace", "--now") == {"erased": True}
    assert rows(app, "SELECT id FROM users") == []


def test_closing_the_last_administrator_warns(app: Flask, client: FlaskClient) -> None:
    for name, option in (("ada", ()), ("grace", ("--now",))):
        register(client, name)
        grant(app, name, "admin")
        assert "no administrator can log in now" in auth(app, "close", name, *option).stderr


def test_account_that_only_holds_its_name_can_only_be_erased(make_app: AppFactory) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    register(client)
    register(client, "grace", email="ada@example.com")
    for words in (["close", "grace"], ["change-email", "grace", "g@example.com"], CONFIRM):
        result = auth(app, *words, "--json")
        assert (result.exit_code, result.stdout) == (1, "")
        assert json.loads(result.stderr)["code"] == "no_address"
    assert asked(app, "close", "grace", "--now") == {"erased": True}


CONFIRM = ["confirm-email", "grace", "--reason", "spoke to her"]


@pytest.mark.parametrize(
    "words", [["close"], ["close", "--now"], ["restore"], ["change-email", "n@example.com"], CONFIRM[2:]]
)
def test_unknown_account_is_refused_with_its_code(app: Flask, words: list[str]) -> None:
    command, *more = words if words[0][0] != "-" else ["confirm-email", *words]
    result = auth(app, command, "unknown", *more, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    refusal: dict[str, Any] = json.loads(result.stderr)
    assert refusal == {"code": "user_not_found", "message": "There is no such user."}
    assert auth(app, command, "unknown", *more).stderr == "Error: There is no such user.\n"
    assert written(app) == []
