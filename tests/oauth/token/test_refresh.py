"""The refresh token grant: rotation, reuse detection, narrowing, and what is asked each time."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.oauth import client_row
from tests.support.oauth_tokens import (
    API,
    SCOPES,
    claims_of,
    credentials,
    got,
    grant_rows,
    log_in,
    reasons,
    refresh_app,
    refused,
    resource_row,
    userinfo,
)
from tests.support.roles import grant
from tests.support.sent_mail import last, part
from tests.support.service import FixedClock, at_once, events, execute, rows
from utils.services import services

UNKNOWN = (400, "invalid_grant", "oauth_refresh_token_invalid")
REUSED = (400, "invalid_grant", "oauth_refresh_token_reused")
OVER = (400, "invalid_grant", "oauth_grant_over")
OFFLINE = [*SCOPES, "offline_access"]


@pytest.fixture(autouse=True)
def registered(app: Flask) -> None:
    client_row(app)
    client_row(app, "other")


def test_refresh_rotates_the_token_and_issues_new_ones(app: Flask, clock: FixedClock) -> None:
    first = got(app)
    clock.advance(300)
    second = refresh_app(app, first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    before, after = claims_of(first["id_token"]), claims_of(second["id_token"])
    same = ("iss", "sub", "aud", "sid", "auth_time", "amr")  # OpenID Connect Core, 12.2
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["iat"] == before["iat"] + 300
    assert "nonce" not in after
    assert claims_of(second["access_token"])["gid"] == claims_of(first["access_token"])["gid"]


def test_parent_within_the_grace_period_gets_the_same_successor(app: Flask, clock: FixedClock) -> None:
    first = got(app)["refresh_token"]
    second = refresh_app(app, first).get_json()["refresh_token"]
    clock.advance(20)
    assert refresh_app(app, first).get_json()["refresh_token"] == second
    assert refresh_app(app, second).status_code == 200


def test_parent_after_the_grace_period_ends_the_grant_and_its_owner_is_told(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    first = got(app)["refresh_token"]
    second = refresh_app(app, first).get_json()
    clock.advance(21)
    assert refused(refresh_app(app, first)) == REUSED
    assert refused(refresh_app(app, second["refresh_token"])) == OVER
    assert refused(userinfo(client, second["access_token"]))[0] == 401
    assert events(app)[-1] == "app_token_reused"
    assert '"App"' in part(last(app, "app_token_reused"), "plain")
    assert reasons(app) == {"refresh_reused"}


def test_fault_16_grandparent_ends_the_grant_within_the_grace_period(app: Flask) -> None:
    first = got(app)["refresh_token"]
    second = refresh_app(app, first).get_json()["refresh_token"]
    third = refresh_app(app, second).get_json()["refresh_token"]
    assert refused(refresh_app(app, first)) == REUSED
    assert refused(refresh_app(app, third)) == OVER


@pytest.mark.both_databases
def test_fault_15_of_16_refreshes_at_once_all_get_the_same_successor(app: Flask) -> None:
    token = got(app)["refresh_token"]
    answers = at_once([lambda: refresh_app(app, token)] * 16)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1
    (grant_row,) = grant_rows(app)
    assert grant_row["generation"] == 1
    assert events(app).count("app_refreshed") == 1


@pytest.mark.both_databases
def test_16_refreshes_at_once_within_an_hour_have_one_winner(app: Flask, clock: FixedClock) -> None:
    token = refresh_app(app, got(app)["refresh_token"]).get_json()["refresh_token"]
    clock.advance(60)  # still the same hour: a single statement rotates
    answers = at_once([lambda: refresh_app(app, token)] * 16)
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1
    assert grant_rows(app)[0]["generation"] == 2


def test_refresh_within_an_hour_takes_one_read_and_one_change(app: Flask) -> None:
    token = refresh_app(app, got(app)["refresh_token"]).get_json()["refresh_token"]
    with app.app_context():
        reads = services().reads
    with (
        patch.object(reads, "first", wraps=reads.first) as first,
        patch.object(reads, "change", wraps=reads.change) as change,
    ):
        assert refresh_app(app, token).status_code == 200
    assert (first.call_count, change.call_count) == (1, 1)


def test_grant_writes_one_refresh_event_an_hour(app: Flask, clock: FixedClock) -> None:
    token = got(app, scopes=OFFLINE)["refresh_token"]
    for _ in range(5):
        token = refresh_app(app, token).get_json()["refresh_token"]
        clock.advance(1000)
    assert events(app).count("app_refreshed") == 2


ASKED = {
    "user disabled": ("UPDATE users SET disabled_at = created_at", "account_unusable"),
    "user closing": ("UPDATE users SET deletion_due_at = created_at", "account_unusable"),
    "user blocked": ("UPDATE users SET password_blocked_at = created_at", "account_unusable"),
    "grant ended": ("UPDATE oauth_grants SET ended_at = created_at", "grant_ended"),
    "grant idle": ("UPDATE oauth_grants SET idle_end = created_at", "grant_ended"),
    "grant old": ("UPDATE oauth_grants SET absolute_end = created_at", "grant_ended"),
    "session ended": ("UPDATE sessions SET ended_at = created_at", "session_ended"),
    "session idle": ("UPDATE sessions SET idle_end = created_at", "session_ended"),
    "session old": ("UPDATE sessions SET absolute_end = created_at", "session_ended"),
    "session gone": ("DELETE FROM sessions", "session_ended"),
    "permission": ("UPDATE oauth_clients SET required_permission = 'wiki:read'", "permission_missing"),
}


@pytest.mark.parametrize(("change", "reason"), ASKED.values(), ids=list(ASKED))
def test_fault_17_refresh_asks_for_user_grant_session_and_permission(
    app: Flask, change: str, reason: str
) -> None:
    token = got(app)["refresh_token"]
    execute(app, change)
    assert refused(refresh_app(app, token)) == OVER
    assert reasons(app) == {reason}
    assert grant_rows(app)[0]["generation"] == 0


def test_fault_17_refresh_asks_for_the_client(app: Flask) -> None:
    token = got(app)["refresh_token"]
    execute(app, "UPDATE oauth_clients SET disabled_at = created_at WHERE id = 'app'")
    assert refused(refresh_app(app, token)) == (401, "invalid_client", "oauth_invalid_client")


def test_losing_the_permission_does_not_end_the_grant(app: Flask) -> None:
    token = got(app)["refresh_token"]
    execute(app, "UPDATE oauth_clients SET required_permission = 'auth:view'")
    assert refused(refresh_app(app, token)) == OVER
    grant(app, "ada", "support")
    assert refresh_app(app, token).status_code == 200


def test_fault_18_bound_grant_ends_with_its_session_and_an_offline_one_does_not(
    app: Flask, client: FlaskClient
) -> None:
    bound, offline = got(app), got(app, scopes=OFFLINE)
    execute(app, "UPDATE sessions SET ended_at = created_at")
    assert refused(refresh_app(app, bound["refresh_token"])) == OVER
    assert refused(userinfo(client, bound["access_token"]))[0] == 401
    assert refresh_app(app, offline["refresh_token"]).status_code == 200
    assert userinfo(client, offline["access_token"]).status_code == 200


def test_bound_grant_without_its_session_never_becomes_an_offline_one(app: Flask) -> None:
    token = got(app)["refresh_token"]
    execute(app, "DELETE FROM sessions")
    assert refused(refresh_app(app, token, scope="openid offline_access"))[0] == 400
    assert refused(refresh_app(app, token)) == OVER


def test_idle_grant_ends_and_each_refresh_extends_it_up_to_its_absolute_end(
    app: Flask, clock: FixedClock
) -> None:
    token = got(app, scopes=OFFLINE)["refresh_token"]
    for _ in range(3):
        clock.advance(timedelta(days=29).total_seconds())
        token = refresh_app(app, token).get_json()["refresh_token"]
    clock.advance(timedelta(days=3).total_seconds())
    assert refused(refresh_app(app, token)) == OVER


def test_fault_19_scope_is_narrowed_for_one_answer_and_never_widened(app: Flask) -> None:
    token = got(app)["refresh_token"]
    narrow = refresh_app(app, token, scope="email openid").get_json()
    assert narrow["scope"] == claims_of(narrow["access_token"])["scope"] == "openid email"
    for wider in ("openid offline_access", "openid profile email roles", "admin", "openid\tprofile", " "):
        answer = refresh_app(app, narrow["refresh_token"], scope=wider)
        assert refused(answer) == (400, "invalid_scope", "oauth_scope_not_granted")
    full = refresh_app(app, narrow["refresh_token"]).get_json()
    assert full["scope"] == " ".join(SCOPES)


def test_answer_narrowed_below_openid_has_no_id_token(app: Flask) -> None:
    assert "id_token" not in refresh_app(app, got(app)["refresh_token"], scope="profile").get_json()


def test_fault_20_resource_that_was_not_granted_is_refused(app: Flask) -> None:
    client_row(app, "api", kind="resource")
    resource_row(app)
    without, with_it = got(app)["refresh_token"], got(app, resource=API)["refresh_token"]
    wrong = (400, "invalid_target", "oauth_resource_not_granted")
    assert refused(refresh_app(app, without, resource=API)) == wrong
    assert refused(refresh_app(app, with_it, resource=f"{API}/")) == wrong
    answer = refresh_app(app, with_it, resource=API).get_json()
    assert claims_of(answer["access_token"])["aud"] == API


def test_refresh_token_of_another_client_is_refused_and_still_works_for_its_own(app: Flask) -> None:
    token = got(app)["refresh_token"]
    assert refused(refresh_app(app, token, **credentials("other"))) == UNKNOWN
    assert reasons(app) == {"refresh_of_other_client"}
    assert refresh_app(app, token).status_code == 200


def test_used_token_at_another_client_ends_nothing(app: Flask, clock: FixedClock) -> None:
    first = got(app)["refresh_token"]
    second = refresh_app(app, first).get_json()["refresh_token"]
    clock.advance(60)
    assert refused(refresh_app(app, first, **credentials("other"))) == UNKNOWN
    assert refresh_app(app, second).status_code == 200


def test_token_of_a_generation_that_is_to_come_is_refused_and_ends_nothing(app: Flask) -> None:
    first = got(app)["refresh_token"]
    second = refresh_app(app, first).get_json()["refresh_token"]
    execute(app, "UPDATE oauth_grants SET generation = 0, rotated_at = NULL")  # a restored backup
    assert refused(refresh_app(app, second)) == UNKNOWN
    assert refresh_app(app, first).status_code == 200


@pytest.mark.parametrize("text", ["x", "A" * 76, "A" * 75, "é" * 76, "\x01"])
def test_text_that_is_no_refresh_token_of_ours_is_refused(app: Flask, text: str) -> None:
    assert refused(refresh_app(app, text)) == UNKNOWN


def test_refresh_tokens_of_sessions_and_clients_are_not_interchangeable(app: Flask) -> None:
    token = got(app)["refresh_token"]
    client = app.test_client()
    own = client.post("/auth/login", json={"username": "ada", "password": "correct horse battery"}).get_json()
    assert refused(refresh_app(app, own["refresh_token"])) == UNKNOWN
    assert client.post("/auth/refresh", json={"refresh_token": token}).status_code == 401


def test_grant_of_an_erased_account_is_refused(app: Flask) -> None:
    log_in(app)
    token = got(app)["refresh_token"]
    execute(app, "UPDATE oauth_grants SET user_id = NULL")
    assert refused(refresh_app(app, token)) == UNKNOWN
    assert rows(app, "SELECT generation FROM oauth_grants") == [{"generation": 0}]
