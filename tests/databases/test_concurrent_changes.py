"""Changes to an account, link or session while a password is being hashed."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import NEW, disable, forget, moved, post, said
from tests.support.service import (
    PASSWORD,
    Interrupted,
    bearer,
    events,
    execute,
    login,
    me,
    register,
    rows,
    signed_in,
)

pytestmark = pytest.mark.both_databases(slow=True)

OTHER = "the one of somebody faster"


@pytest.fixture
def hasher() -> Interrupted:
    return Interrupted()


@pytest.fixture
def app(make_app: AppFactory, hasher: Interrupted) -> Flask:
    return make_app(hasher=hasher)


def leave(app: Flask, access: str) -> TestResponse:
    return app.test_client().delete("/auth/me", headers=bearer(access))


@pytest.mark.parametrize("event", ["used", "disabled", "moved", "leaving", "disowned", "erased"])
def test_reset_checks_link_and_account_again_after_hashing(
    app: Flask, client: FlaskClient, hasher: Interrupted, event: str
) -> None:
    access = signed_in(client)["access_token"]
    token, disown = forget(app), mailbox.token(app, "new_sign_in")
    other = app.test_client()
    happens: dict[str, Callable[[], object]] = {
        "used": lambda: post(other, "password/reset", token=token, password=OTHER),
        "disabled": lambda: disable(app),
        "moved": lambda: moved(app, access),
        "leaving": lambda: leave(app, access),
        "disowned": lambda: post(other, "sessions/disown", token=disown),
        "erased": lambda: execute(app, "DELETE FROM users"),
    }
    hasher.meanwhile = happens[event]
    assert said(post(client, "password/reset", token=token, password=NEW)) == (410, "token_used")
    assert hasher.meanwhile is None
    assert login(client, password=NEW).status_code == 401
    assert events(app).count("password_reset") == (1 if event == "used" else 0)
    assert "link_refused" in events(app)


@pytest.mark.parametrize("event", ["reset", "signed out", "disabled", "moved", "rejected"])
@pytest.mark.parametrize("path", ["password/change", "reauth"])
def test_step_up_checks_session_and_account_again_after_hashing(
    app: Flask, client: FlaskClient, hasher: Interrupted, event: str, path: str
) -> None:
    pair = signed_in(client)
    token = forget(app)
    other = app.test_client()
    happens: dict[str, Callable[[], object]] = {
        "reset": lambda: post(other, "password/reset", token=token, password=OTHER),
        "signed out": lambda: other.post("/auth/logout", json={"refresh_token": pair["refresh_token"]}),
        "disabled": lambda: disable(app),
        "moved": lambda: moved(app, pair["access_token"]),
        "rejected": lambda: post(other, "email/reject", token=mailbox.token(app, "verify_email")),
    }
    hasher.meanwhile = happens[event]
    body = {"password": PASSWORD, "current_password": PASSWORD, "new_password": NEW}
    answer = post(client, path, pair["access_token"], **body)
    wanted = (401, "token_invalid") if event == "signed out" else (403, "wrong_current_password")
    assert said(answer) == wanted
    assert not {"password_changed", "reauthenticated"} & {*events(app)}
    assert login(client, password=NEW).status_code == 401


@pytest.mark.parametrize("event", ["rejected", "verified", "reset"])
def test_confirmation_checks_link_and_account_again_after_hashing(
    app: Flask, client: FlaskClient, hasher: Interrupted, event: str
) -> None:
    register(client)
    token, reset = mailbox.token(app, "verify_email"), forget(app)
    other = app.test_client()
    happens: dict[str, Callable[[], object]] = {
        "rejected": lambda: post(other, "email/reject", token=token),
        "verified": lambda: post(other, "email/verify", token=token, password=PASSWORD),
        "reset": lambda: post(other, "password/reset", token=reset, password=OTHER),
    }
    hasher.meanwhile = happens[event]
    answer = post(client, "email/verify", token=token, password=PASSWORD)
    assert said(answer) == ((410, "token_used") if event == "verified" else (401, "invalid_credentials"))
    assert events(app).count("email_verified") == (1 if event == "verified" else 0)
    assert len(rows(app, "SELECT id FROM users")) == (0 if event == "rejected" else 1)


def test_hidden_registration_that_loses_a_race_is_answered_as_usual(
    make_app: AppFactory, hasher: Interrupted
) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"}, hasher=hasher)
    client, other = app.test_client(), app.test_client()
    usual = register(client, "usual").get_json()
    hasher.meanwhile = lambda: register(other, "grace", email="ada@example.com")
    answer = register(client)
    assert (answer.status_code, answer.get_json()) == (202, usual)
    hasher.meanwhile = lambda: register(other, "eve")
    assert said(register(client, "eve", email="more@example.com")) == (409, "username_taken")
    names = [row["username"] for row in rows(app, "SELECT username FROM users ORDER BY id")]
    assert names == ["usual", "grace", "ada", "eve"]
    assert me(client, "x").status_code == 401
