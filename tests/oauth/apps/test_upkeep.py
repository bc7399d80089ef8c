"""What operations know of apps: pruning, export, erasure, `explain`, `show`, `doctor`."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.sessions import ending
from models import db
from oauth.apps import client_findings, explanation
from oauth.apps.listing import App
from oauth.clients import hosts
from oauth.listener import ProviderListener
from oauth.stores import client_diagnosis
from tables.oauth import OAuthClientSecret, OAuthRefusal
from tests.conftest import AppFactory
from tests.support.commands import asked, auth
from tests.support.oauth import client_row
from tests.support.oauth_apps import DAY, code_row, consent_row, grant_row, notice_row
from tests.support.requests import prune
from tests.support.sent_mail import services_of
from tests.support.service import PASSWORD, START, FixedClock, bearer, login, refresh, rows, signed_in

SECOND = timedelta(seconds=1)


def count(app: Flask, table: str) -> int:
    (found,) = rows(app, f"SELECT count(*) AS n FROM {table}")
    return int(found["n"])


def refusal_row(app: Flask, at: datetime, reason: str = "redirect_unknown") -> None:
    with app.app_context():
        values = {"client_id": "app", "reason": reason, "at": at, "step": "authorize", "detail": "x"}
        db.session.add(OAuthRefusal(**values, request_id="r", count=1))
        db.session.commit()


def secret_row(app: Flask, client_id: str, created_at: datetime, expires_at: datetime | None) -> None:
    with app.app_context():
        values = {"client_id": client_id, "digest": b"d", "created_at": created_at, "expires_at": expires_at}
        db.session.add(OAuthClientSecret(id=uuid4(), **values))
        db.session.commit()


@pytest.mark.both_databases(slow=True)
def test_prune_deletes_rows_of_the_provider_after_their_time_and_not_before(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    signed_in(client)
    client_row(app, secret=None)
    code_row(app, expires_at=START)
    grant_row(app, ended_at=START, end_reason="removed")
    grant_row(app, offline=True, idle_end=START)
    grant_row(app, offline=True, idle_end=START + 400 * DAY, absolute_end=START + 400 * DAY)
    notice_row(app, due_at=None, sent_at=START)
    notice_row(app, due_at=None, given_up_at=START)
    notice_row(app)
    refusal_row(app, START)
    secret_row(app, "app", START - DAY, START + DAY)
    secret_row(app, "app", START - DAY, None)
    tables = ("oauth_codes", "oauth_refusals", "oauth_grants", "oauth_notices", "oauth_client_secrets")
    counts = {
        0: [1, 1, 3, 3, 2],
        1: [1, 1, 3, 3, 2],
        2: [0, 1, 3, 0, 1],
        7: [0, 1, 3, 0, 1],
        30: [0, 0, 3, 0, 1],
        31: [0, 0, 1, 0, 1],
    }
    for day, expected in counts.items():
        clock.moment = START + day * DAY
        prune(app)
        assert [count(app, table) for table in tables] == expected, day


def test_notice_that_is_never_sent_is_pruned_while_the_provider_is_off(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app({"OAUTH_PROVIDER": "false"})
    client_row(app)
    notice_row(app)
    for seconds, kept in ((86_400, 1), (86_401, 0)):
        clock.moment = START + timedelta(seconds=seconds)
        prune(app)
        assert count(app, "oauth_notices") == kept


def test_grant_is_kept_while_the_feed_may_name_it(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app({"ENDED_SESSION_RETENTION": "0", "OAUTH_ACCESS_TOKEN_LIFETIME": "60"})
    signed_in(app.test_client())
    client_row(app)
    grant_row(app, ended_at=START, end_reason="removed")
    for seconds, kept in ((3600, 1), (7200, 1), (7201, 0)):
        clock.moment = START + timedelta(seconds=seconds)
        prune(app)
        assert count(app, "oauth_grants") == kept


class Told(ProviderListener):
    """A listener that records which sessions ended."""

    def __init__(self) -> None:
        self.ended: list[Any] = []

    def sessions_ended(self, *told: Any) -> None:
        self.ended += told[2]


@pytest.mark.both_databases
def test_session_that_ran_out_is_ended_by_prune_and_told(make_app: AppFactory, clock: FixedClock) -> None:
    told = Told()
    app = make_app(listener=told)
    client = app.test_client()
    pair = signed_in(client)
    login(client, remember=True)
    settings = services_of(app).settings
    clock.moment = START + timedelta(seconds=settings.session_idle_lifetime) - SECOND
    prune(app)
    assert told.ended == []
    clock.moment += SECOND
    prune(app)
    (ended,) = rows(app, "SELECT id, ended_at, end_reason FROM sessions WHERE ended_at IS NOT NULL")
    assert ended["end_reason"] == "expired"
    assert len(told.ended) == 1
    assert refresh(client, pair["refresh_token"]).get_json()["code"] == "refresh_token_expired"
    prune(app)
    assert len(told.ended) == 1
    counted = services_of(app).metrics.registry.get_sample_value
    assert counted("auth_sessions_ended_total", {"reason": "expired"}) == 1


def test_session_that_was_ended_in_time_is_not_called_expired_later(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    pair = signed_in(client)
    assert client.post("/auth/logout", headers=bearer(pair["access_token"])).status_code == 204
    clock.advance(400 * 86400)
    assert refresh(client, pair["refresh_token"]).get_json()["code"] == "refresh_token_invalid"


def test_one_account_that_cannot_be_settled_keeps_no_other_session_from_its_end(
    app: Flask, client: FlaskClient, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(client, "eve")
    signed_in(client)
    real = ending.end_run_out

    def failing(services: Any, tx: Any, user_id: int, now: datetime) -> int:
        if user_id == 1:
            raise RuntimeError
        return real(services, tx, user_id, now)

    monkeypatch.setattr(ending, "end_run_out", failing)
    clock.advance(29 * 86400)
    prune(app)
    ended = rows(app, "SELECT user_id FROM sessions WHERE end_reason = 'expired'")
    assert [row["user_id"] for row in ended] == [2]


@pytest.mark.both_databases
def test_export_has_consents_and_grants_without_secrets(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    consent_row(app)
    for _ in range(3):
        grant_row(app)
    grant_row(app, offline=True, ended_at=START, end_reason="removed")
    answer = client.get("/auth/me/export", headers=bearer(token))
    assert answer.status_code == 200
    exported = json.loads(answer.get_data())
    assert [each["client_id"] for each in exported["app_consents"]] == ["app"]
    assert exported["app_consents"][0]["scopes"] == ["openid", "email"]
    assert len(exported["app_grants"]) == 4
    ended = [each for each in exported["app_grants"] if each["ended_at"]]
    assert [(each["end_reason"], each["works_without_you"]) for each in ended] == [("removed", True)]
    assert set(exported["app_grants"][0]) & {"id", "secret", "sid", "session_id"} == set()
    assert list(exported)[-2:] == ["events", "events_truncated"]


def test_erased_account_is_named_by_no_grant(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    consent_row(app)
    code_row(app)
    grant_row(app, offline=True)
    assert client.delete("/auth/me", headers=bearer(token)).status_code == 202
    clock.advance(15 * 86400)
    prune(app)
    assert count(app, "users") == 0
    assert [count(app, table) for table in ("oauth_consents", "oauth_codes")] == [0, 0]
    grants = rows(app, "SELECT user_id, ip_address, user_agent FROM oauth_grants")
    assert grants == [{"user_id": None, "ip_address": None, "user_agent": ""}]


def test_explain_and_show_name_the_apps(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    client_row(app, name="Grafana")
    client_row(app, "wiki", name="Wiki")
    consent_row(app)
    grant_row(app, offline=True)
    consent_row(app, "wiki")
    said = "Apps with access: Grafana (without a session), Wiki."
    assert said in auth(app, "explain", "ada").output
    shown = asked(app, "show", "ada")
    assert [(each["client_id"], each["scopes"]) for each in shown["apps"]][1] == ("wiki", ["openid", "email"])
    assert "  app  Grafana  openid email  works without a session" in auth(app, "show", "ada").output


def test_explain_without_apps_says_nothing_of_them(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    assert "Apps" not in auth(app, "explain", "ada").output
    app_without = App("a", "A", None, [], [], START, None, None, works_without_you=False)
    assert explanation.sentence([app_without]).startswith("Apps with access: A.")


def known(*_: Any) -> list[Any]:
    return []


def found(app: Flask, resolve: hosts.Resolve = known) -> list[tuple[str, str]]:
    with app.app_context():
        return [(each.state, each.text) for each in client_findings.examine(services_of(app), resolve)]


@pytest.mark.both_databases
def test_doctor_names_clients_without_pkce_unused_with_old_secrets_and_untold(
    app: Flask, clock: FixedClock
) -> None:
    assert found(app) == [("ok", "No client is registered; the provider publishes nothing.")]
    client_row(app, "fine", last_used_at=START)
    assert found(app) == [("ok", "1 client: with PKCE, in use, secrets young, told of logouts, hosts found.")]
    client_row(app, "old-flow", pkce="optional", last_used_at=START)
    client_row(app, "off", pkce="optional", disabled_at=START, secret=None)
    client_row(app, "idle", secret=None)
    client_row(app, "api", kind="resource", redirect_uris=[], pkce="optional", secret=None)
    clock.moment = START + 31 * DAY
    secret_row(app, "idle", START - 400 * DAY, START)  # it has expired
    assert found(app) == [
        ("warning", "old-flow: may log people in without PKCE."),
        ("warning", "idle: never used since registration, over 30 days ago."),
    ]
    secret_row(app, "idle", START - 400 * DAY, None)
    notice_row(app, "fine", created_at=clock.moment - timedelta(minutes=6))
    notice_row(app, "old-flow", due_at=None, given_up_at=clock.moment - timedelta(hours=23))
    notice_row(app, "idle", due_at=None, given_up_at=clock.moment - timedelta(hours=25))
    notice_row(app, "idle", created_at=clock.moment - timedelta(minutes=4))
    assert found(app)[2:] == [
        ("warning", "idle: a secret older than a year."),
        ("warning", "fine, old-flow: not told of logouts, as its back-channel address does not answer."),
    ]


def test_doctor_names_five_clients_and_counts_the_others(app: Flask) -> None:
    for number in range(7):
        client_row(app, f"c{number}", pkce="optional", last_used_at=START)
    assert found(app) == [("warning", "c0, c1, c2, c3, c4 and 2 more: may log people in without PKCE.")]
    with app.app_context():
        assert client_diagnosis.count(db.session()) == 7


def test_doctor_command_reports_clients(app: Flask) -> None:
    address = "https://127.0.0.1/callback"  # found without a DNS server
    client_row(app, "old-flow", pkce="optional", last_used_at=START, redirect_uris=[address])
    told = json.loads(auth(app, "doctor", "--json").stdout)["findings"]
    (finding,) = [each for each in told if each["check"] == "clients"]
    assert finding["state"] == "warning"
    assert PASSWORD not in finding["text"]
