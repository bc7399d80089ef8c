"""The apps of an account: what is listed, and the end of an app's access."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import db
from oauth.apps import listing
from oauth.stores.apps import ClientRow, ConsentRow, GrantRow
from tables.oauth import OAuthClientResource, OAuthResource
from tests.support.commands import asked
from tests.support.oauth import client_row
from tests.support.oauth_apps import (
    DAY,
    change_grant,
    code_row,
    consent_row,
    grant_row,
    latest_session,
)
from tests.support.oauth_tokens import got, issue_code, redeem, refresh_app, refused, userinfo
from tests.support.requests import said
from tests.support.service import START, FixedClock, at_once, bearer, last_event, login, rows, signed_in

WIKI = ClientRow("wiki", "Wiki", "web", "https://wiki.example.com", ["https://cb.example.com/cb"])


def apps(client: FlaskClient, token: str) -> list[dict[str, object]]:
    answer = client.get("/auth/apps", headers=bearer(token))
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, object]] = answer.get_json()["apps"]
    return found


def resource_row(app: Flask) -> None:
    with app.app_context():
        words = {"orders:read": "Read your orders"}
        db.session.add(
            OAuthResource(
                identifier="https://api.example.com",
                client_id="api",
                name="Orders",
                scopes=words,
                created_at=START,
            )
        )
        db.session.flush()
        db.session.add(
            OAuthClientResource(client_id="app", resource="https://api.example.com", is_default=True)
        )
        db.session.commit()


@pytest.mark.both_databases
def test_apps_are_listed_with_what_they_may_do_since_when_and_from_where(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    client_row(app, "api", kind="resource", redirect_uris=[])
    resource_row(app)
    consent_row(
        app, scopes=["openid", "https://api.example.com orders:read"], resources=["https://api.example.com"]
    )
    grant_row(app, scopes=["openid"], last_used_at=START + DAY, ip_address="198.51.100.9")
    grant_row(app, scopes=["openid", "offline_access"], offline=True)
    clock.advance(10)
    assert apps(client, token) == [
        {
            "client_id": "app",
            "name": "App",
            "host": "app.example.com",
            "scopes": [
                {"name": "openid", "words": None},
                {"name": "orders:read", "words": "Read your orders"},
                {"name": "offline_access", "words": None},
            ],
            "resources": ["Orders"],
            "allowed_at": "2026-03-01T12:00:00Z",
            "last_used_at": "2026-03-02T12:00:00Z",
            "ip_address": "198.51.100.9",
            "works_without_you": True,
        }
    ]


def test_trusted_app_is_listed_by_its_grant_and_app_of_another_account_is_not(
    app: Flask, client: FlaskClient
) -> None:
    signed_in(client, "eve")
    token = signed_in(client)["access_token"]
    client_row(app, "trusted", trusted=True)
    client_row(app, "other")
    grant_row(app, "trusted", user_id=2)
    consent_row(app, "other", user_id=1)
    assert [(each["client_id"], each["works_without_you"]) for each in apps(client, token)] == [
        ("trusted", False)
    ]


@pytest.mark.both_databases
def test_grant_that_cannot_be_used_is_not_listed(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    ended = grant_row(app, ended_at=START, end_reason="revoked")
    idle = grant_row(app, offline=True, idle_end=START)
    old = grant_row(app, offline=True, absolute_end=START)
    bound = grant_row(app)
    assert len(apps(client, token)) == 1
    other = login(client).get_json()["access_token"]
    assert client.post("/auth/logout", headers=bearer(token)).status_code == 204
    change_grant(app, bound, ended_at=None)  # its session has ended, whatever became of the grant
    assert apps(client, other) == []
    for grant in (ended, idle, old):
        change_grant(app, grant, ended_at=None, idle_end=START + DAY, absolute_end=START + DAY, offline=True)
    assert len(apps(client, other)) == 1


@pytest.mark.both_databases
def test_removal_ends_grants_codes_and_consent_at_once(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    client_row(app, "stays")
    for name in ("app", "stays"):
        consent_row(app, name)
        grant_row(app, name)
        grant_row(app, name, offline=True)
        code_row(app, name)
    assert client.delete("/auth/apps/app", headers=bearer(token)).status_code == 204
    assert [each["client_id"] for each in apps(client, token)] == ["stays"]
    ended = rows(app, "SELECT client_id, end_reason FROM oauth_grants WHERE ended_at IS NOT NULL")
    assert [(row["client_id"], row["end_reason"]) for row in ended] == [("app", "removed")] * 2
    for table in ("oauth_codes", "oauth_consents"):
        assert [row["client_id"] for row in rows(app, f"SELECT client_id FROM {table}")] == ["stays"]
    event = last_event(app)
    assert (event["event"], event["detail"], event["user_id"]) == ("app_removed", "App", 1)


def test_app_without_access_is_not_found_and_nothing_is_recorded(app: Flask, client: FlaskClient) -> None:
    signed_in(client, "eve")
    token = signed_in(client)["access_token"]
    client_row(app)
    consent_row(app, user_id=1)
    before = rows(app, "SELECT count(*) AS n FROM audit_events")
    for name in ("app", "nobody", "a" * 100, "%00"):
        assert said(client.delete(f"/auth/apps/{name}", headers=bearer(token))) == (404, "app_not_found")
    assert rows(app, "SELECT count(*) AS n FROM audit_events") == before
    assert len(rows(app, "SELECT client_id FROM oauth_consents")) == 1


def test_apps_need_a_session(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    token = asked(app, "token", "ada")["access_token"]
    assert said(client.get("/auth/apps", headers=bearer(token))) == (403, "session_required")


def test_removal_needs_no_fresh_login(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    consent_row(app)
    clock.advance(timedelta(minutes=30).total_seconds())
    assert client.delete("/auth/apps/app", headers=bearer(token)).status_code == 204


def test_devices_and_activity_name_the_apps_of_a_session(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    session_id = latest_session(app)
    client_row(app, name="Zebra")
    client_row(app, "wiki", name="Wiki")
    grant_row(app, session_id=session_id)
    grant_row(app, session_id=session_id)
    grant_row(app, "wiki", session_id=session_id)
    grant_row(app, "wiki", session_id=session_id, ended_at=START)
    login(client)
    sessions = client.get("/auth/sessions", headers=bearer(token)).get_json()["sessions"]
    assert {each["id"]: each["apps"] for each in sessions}[str(session_id)] == ["Wiki", "Zebra"]
    assert min(each["apps"] for each in sessions) == []
    client.delete("/auth/apps/wiki", headers=bearer(token))
    activity = client.get("/auth/me/activity", headers=bearer(token)).get_json()["events"]
    assert activity[0]["text"] == "You removed an app: Wiki."


def test_host_is_of_the_own_page_and_of_no_address_on_the_device() -> None:
    assert listing.host_of(WIKI) == "wiki.example.com"
    assert listing.host_of(WIKI._replace(uri=None)) == "cb.example.com"
    for uri in ("http://localhost:7777/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"):
        assert listing.host_of(WIKI._replace(uri=None, redirect_uris=[uri])) is None


def test_since_is_the_consent_or_else_the_oldest_living_grant() -> None:
    newer = GrantRow(
        "wiki", ["openid"], None, offline=False, created_at=START, last_used_at=START, ip_address=None
    )
    older = newer._replace(created_at=START - DAY)
    consent = ConsentRow("wiki", ["openid"], [], START - 2 * DAY)
    assert listing.app_of(WIKI, None, [newer, older], {}).since == START - DAY
    assert listing.app_of(WIKI, consent, [newer], {}).since == START - 2 * DAY
    unused = listing.app_of(WIKI, consent, [], {})
    assert (unused.last_used_at, unused.ip_address, unused.works_without_you) == (None, None, False)


@pytest.mark.both_databases
def test_226_tokens_of_a_removed_app_are_refused_at_once(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    tokens = got(app, scopes=["openid", "offline_access"])
    pending = issue_code(app, 1, latest_session(app))
    assert userinfo(client, tokens["access_token"]).status_code == 200
    assert client.delete("/auth/apps/app", headers=bearer(token)).status_code == 204
    assert userinfo(client, tokens["access_token"]).status_code == 401
    assert refused(refresh_app(app, tokens["refresh_token"]))[:2] == (400, "invalid_grant")
    assert refused(redeem(app, pending))[:2] == (400, "invalid_grant")


@pytest.mark.both_databases
def test_code_that_is_redeemed_during_the_removal_leaves_no_living_grant(
    app: Flask, client: FlaskClient
) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    for _ in range(3):
        consent_row(app)
        code = issue_code(app, 1, latest_session(app))
        other = app.test_client()
        at_once(
            [
                lambda code=code: redeem(app, code).status_code,  # type: ignore[misc]
                lambda other=other: other.delete("/auth/apps/app", headers=bearer(token)).status_code,  # type: ignore[misc]
            ]
        )
        assert rows(app, "SELECT id FROM oauth_grants WHERE ended_at IS NULL") == []
