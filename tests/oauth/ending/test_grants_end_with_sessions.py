"""Grants of clients end with their session, and all of them when the account is revoked."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.events import Event
from auth.revocation import revoke
from models import db
from oauth import tokens
from tests.support.commands import auth
from tests.support.grants import CALLER, ended, grant_row, session_ids, written
from tests.support.members import NEW, Member
from tests.support.oauth import client_row
from tests.support.oauth_tokens import issue_code, redeem, refused
from tests.support.passkeys import added
from tests.support.requests import confirmed
from tests.support.service import PASSWORD, bearer, execute, login, signed_in
from utils.services import services

pytestmark = pytest.mark.both_databases(slow=True)
TELL_ME = "https://app.example.com/backchannel"


@pytest.fixture
def told(app: Flask) -> None:
    client_row(app, "app", backchannel_uri=TELL_ME)
    client_row(app, "mute")


@pytest.mark.usefixtures("told")
def test_logout_ends_bound_grants_and_writes_a_notice_for_each_client_that_wants_one(
    app: Flask, client: FlaskClient
) -> None:
    pair = signed_in(client)
    (session,) = session_ids(app)
    bound, mute = grant_row(app, session), grant_row(app, session, "mute")
    offline = grant_row(app, session, offline=True)
    assert client.post("/auth/logout", headers=bearer(pair["access_token"])).status_code == 204
    assert ended(app) == {bound: "session_ended", mute: "session_ended"}
    assert offline not in ended(app)
    assert written(app) == [("app", tokens.sid(session, "app"))]


@pytest.mark.usefixtures("told")
def test_session_that_is_ended_from_another_one_ends_its_grants_only(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    (first,) = session_ids(app)
    second = login(client).get_json()["access_token"]
    (kept,) = set(session_ids(app)) - {first}
    ends, stays = grant_row(app, first), grant_row(app, kept)
    assert client.post("/auth/sessions/revoke-others", headers=bearer(second)).status_code == 200
    assert ended(app) == {ends: "session_ended"}
    assert stays not in ended(app)


@pytest.mark.usefixtures("told")
def test_disabled_client_gets_no_notice(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    (session,) = session_ids(app)
    grant_row(app, session)
    execute(app, "UPDATE oauth_clients SET disabled_at = created_at")
    client.post("/auth/logout", headers=bearer(pair["access_token"]))
    assert written(app) == []


def reset(member: Member) -> None:
    assert member.post("password/reset", token=member.forgot(), password=NEW).status_code == 200


def disown(member: Member) -> None:
    assert member.post("sessions/disown", token=member.disowning).status_code == 200


def close(member: Member) -> None:
    member.pending_deletion()


def undo(member: Member) -> None:
    assert member.post("email/change/undo", token=member.move()).status_code == 200


def erase(member: Member) -> None:
    with member.app.app_context():
        revoke.erase(services(), db.session(), 1, Event.ACCOUNT_ERASED, CALLER)
        db.session.commit()


def by_command(*words: str) -> Callable[[Member], None]:
    def call(member: Member) -> None:
        assert auth(member.app, *words).exit_code == 0

    return call


REVOCATIONS = {
    "reset": reset,
    "this wasn't me": disown,
    "deletion": close,
    "undone change of address": undo,
    "erasure": erase,
    "disable": by_command("disable", "ada"),
    "lock-out": by_command("lock-out", "ada"),
    "end-sessions": by_command("end-sessions", "ada"),
    "close": by_command("close", "ada"),
    "confirm-email": by_command("confirm-email", "ada", "--reason", "seen at the desk"),
}


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("revokes", REVOCATIONS.values(), ids=REVOCATIONS)
def test_revocation_of_an_account_ends_offline_grants_and_tells_their_clients(
    app: Flask, revokes: Callable[[Member], None]
) -> None:
    member = Member(app)
    (session,) = session_ids(app)
    bound, offline = grant_row(app, session), grant_row(app, session, "mute", offline=True)
    signed_in(app.test_client(), "bob")
    others = grant_row(app, session_ids(app, 2)[0], user_id=2)
    revokes(member)
    assert set(ended(app)) == {bound, offline}
    assert others not in ended(app)
    assert written(app) == [("app", tokens.sid(session, "app"))]


@pytest.mark.usefixtures("told")
def test_end_of_all_sessions_ends_every_grant(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    signed_in(client, "bob")
    mine, theirs = session_ids(app)[0], session_ids(app, 2)[0]
    given = {grant_row(app, mine), grant_row(app, theirs, offline=True, user_id=2)}
    assert auth(app, "end-sessions", "--everybody").exit_code == 0
    assert set(ended(app)) == given
    assert written(app) == sorted(("app", tokens.sid(each, "app")) for each in (mine, theirs))


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("end_apps", [None, True, False])
def test_password_change_ends_offline_grants_unless_end_apps_is_false(
    app: Flask, client: FlaskClient, end_apps: bool | None
) -> None:
    access = signed_in(client)["access_token"]
    (session,) = session_ids(app)
    bound, offline = grant_row(app, session), grant_row(app, session, "mute", offline=True)
    body = {"current_password": PASSWORD, "new_password": NEW}
    more = {} if end_apps is None else {"end_apps": end_apps}
    assert client.post("/auth/password/change", json=body | more, headers=bearer(access)).status_code == 200
    assert ended(app) == ({} if end_apps is False else {offline: "password_changed"})
    assert bound not in ended(app)  # the calling session lives
    assert written(app) == []


@pytest.mark.both_databases
@pytest.mark.usefixtures("told")
def test_removal_of_the_password_ends_offline_grants_and_voids_codes(app: Flask, client: FlaskClient) -> None:
    confirmed(app)
    access = login(client).get_json()["access_token"]
    added(client, access)
    session = session_ids(app)[-1]
    bound, offline = grant_row(app, session), grant_row(app, session, "mute", offline=True)
    code = issue_code(app, 1, session, scopes=["openid", "offline_access"])
    assert client.delete("/auth/password", headers=bearer(access)).status_code == 200
    assert offline in ended(app)
    assert bound not in ended(app)
    assert refused(redeem(app, code))[:2] == (400, "invalid_grant")
