"""What revokes API tokens: their owner, and what ends all access to an account."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import mailbox
from tests.support.api_tokens import READ, by_command, create, created, listed, owned, remove, status
from tests.support.requests import (
    DAY,
    MINUTE,
    NEW,
    confirm_addresses,
    forget,
    moved,
    post,
)
from tests.support.service import PASSWORD, FixedClock, bearer, events, login, rows, signed_in


@pytest.mark.both_databases
def test_revoked_token_is_refused_at_once_and_only_once_revoked(
    app: Flask, client: FlaskClient, access: str
) -> None:
    made = create(client, access, READ).get_json()
    assert remove(client, access, made["api_token"]["id"]) == (204, "")
    assert status(app, made["token"]) == 401
    assert listed(client, access) == []
    assert remove(client, access, made["api_token"]["id"]) == (404, "api_token_not_found")
    assert remove(client, access, str(uuid4())) == (404, "api_token_not_found")
    (row,) = rows(app, "SELECT * FROM audit_events WHERE event = 'api_token_revoked'")
    assert (row["user_id"], row["detail"]) == (1, "backup script")


def test_token_of_an_account_that_was_closed_and_restored_stays_revoked(
    app: Flask, client: FlaskClient, access: str
) -> None:
    confirm_addresses(app)
    token = created(client, access)
    assert client.delete("/auth/me", headers=bearer(access)).status_code == 202
    (row,) = rows(app, "SELECT revoked_at FROM api_tokens")
    assert row["revoked_at"]
    link = mailbox.token(app, "deletion_requested")
    assert post(client, "me/restore", token=link).status_code == 200
    assert status(app, token) == 401
    again = login(client).get_json()["access_token"]
    assert listed(client, again) == []
    assert status(app, created(client, again)) == 204


def test_revocation_needs_no_fresh_login(client: FlaskClient, access: str, clock: FixedClock) -> None:
    made = create(client, access, READ).get_json()
    clock.advance(30 * MINUTE)
    assert remove(client, access, made["api_token"]["id"]) == (204, "")


def reset(app: Flask) -> None:
    assert post(app.test_client(), "password/reset", token=forget(app), password=NEW).status_code == 200


def disown(app: Flask) -> None:
    link = mailbox.token(app, "new_sign_in", "ada@example.com")
    assert post(app.test_client(), "sessions/disown", token=link).status_code == 200


def undo_of_the_address(app: Flask) -> None:
    client = app.test_client()
    confirm_addresses(app)
    assert moved(app, login(client).get_json()["access_token"]).status_code == 200
    link = mailbox.token(app, "email_changed")
    assert post(client, "email/change/undo", token=link).status_code == 200


@pytest.mark.both_databases(slow=True)
@pytest.mark.parametrize(
    ("revoke", "of_others"),
    [
        (lambda app: by_command(app, "end-sessions", "ada"), False),
        (lambda app: by_command(app, "end-sessions", "--everybody"), True),
        (lambda app: by_command(app, "lock-out", "ada"), False),
        (reset, False),
        (disown, False),
        (undo_of_the_address, False),
    ],
    ids=["end-sessions", "everybody", "lock-out", "reset", "disown", "undo"],
)
def test_what_ends_all_access_revokes_tokens(
    app: Flask, revoke: Callable[[Flask], object], of_others: bool
) -> None:
    for name in ("ada", "grace"):
        signed_in(app.test_client(), name)
    confirm_addresses(app)  # an unconfirmed one gets three mails in an hour
    token, other = owned(app), owned(app, "grace")
    revoke(app)
    reset(app)  # that the account is open again does not bring it back
    assert (status(app, token), status(app, other)) == (401, 401 if of_others else 204)
    ended = rows(app, "SELECT user_id FROM api_tokens WHERE revoked_at IS NOT NULL ORDER BY user_id")
    assert [row["user_id"] for row in ended] == ([1, 2] if of_others else [1])


@pytest.mark.parametrize("is_wanted", [False, True])
def test_password_change_names_the_tokens_that_still_work_and_revokes_them_if_asked(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock, is_wanted: bool
) -> None:
    created(client, access, name="old", expires_in_days=1)
    clock.advance(DAY)
    access = login(client).get_json()["access_token"]
    tokens = [created(client, access, name=name) for name in ("b", "a")]
    body: dict[str, Any] = {"current_password": PASSWORD, "new_password": NEW}
    if is_wanted:
        body["revoke_api_tokens"] = True
    changed = post(client, "password/change", access, **body)
    assert changed.get_json()["api_tokens"] == ([] if is_wanted else ["a", "b"])
    assert [status(app, each) for each in tokens] == ([401, 401] if is_wanted else [204, 204])
    assert events(app).count("password_changed") == 1
