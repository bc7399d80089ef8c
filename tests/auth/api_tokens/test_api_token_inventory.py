"""API tokens as operators, the owner's export and pruning see them."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.api_tokens import lifecycle
from tests.conftest import AppFactory
from tests.support.api_tokens import READ, by_command, create, created, listed, owned, remove, status
from tests.support.requests import (
    DAY,
    prune,
)
from tests.support.service import FixedClock, bearer, login, rows, signed_in


@pytest.mark.both_databases
def test_operator_lists_and_revokes_tokens(app: Flask) -> None:
    token = owned(app)
    (shown,) = by_command(app, "tokens", "ada")["tokens"]
    assert (shown["name"], shown["permissions"]) == ("backup script", [READ])
    text = app.test_cli_runner().invoke(args=["auth", "tokens", "ada"]).stdout
    assert f"auth_pat_…{token[-4:]}" in text
    assert "last used never" in text
    assert token not in text
    assert by_command(app, "show", "ada")["api_tokens"] == [shown]
    assert "API tokens: 1" in app.test_cli_runner().invoke(args=["auth", "show", "ada"]).stdout
    assert by_command(app, "revoke-token", shown["id"]) == {"revoked": shown["id"], "name": "backup script"}
    assert status(app, token) == 401
    again = app.test_cli_runner().invoke(args=["auth", "revoke-token", shown["id"]])
    assert (again.exit_code, again.stderr) == (1, "Error: There is no such API token.\n")
    assert app.test_cli_runner().invoke(args=["auth", "revoke-token", "x"]).exit_code == 2
    assert app.test_cli_runner().invoke(args=["auth", "tokens", "ada"]).stdout == "No API tokens.\n"
    recorded = rows(
        app, "SELECT event, user_id, detail FROM audit_events WHERE operator IS NOT NULL ORDER BY id"
    )
    assert {"event": "account_shown", "user_id": 1, "detail": None} in recorded
    assert recorded.count({"event": "api_token_revoked", "user_id": 1, "detail": "backup script"}) == 1


def test_explain_tells_whether_tokens_work(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app()

    def told(app: Flask) -> list[str]:
        findings = by_command(app, "explain", "ada")["findings"]
        return [each for each in findings if each.startswith("API tokens")]

    signed_in(app.test_client())
    assert told(app) == []
    owned(app)
    assert told(app) == ["API tokens: 1, which work without a login. `tokens` lists them."]
    assert "second factor" in told(make_app({"REQUIRE_SECOND_FACTOR": "true"}))[0]
    assert "API_TOKENS_ENABLED" in told(make_app({"API_TOKENS_ENABLED": "false"}))[0]
    by_command(app, "disable", "ada")
    assert "until the account can be used again" in told(app)[0]
    clock.advance(90 * DAY)
    assert told(app) == []


@pytest.mark.both_databases
def test_expired_and_revoked_tokens_are_deleted_after_30_days(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock
) -> None:
    created(client, access, name="expired", expires_in_days=1)
    clock.advance(1)
    created(client, access, name="live", expires_in_days=365)
    revoked = create(client, access, READ, name="revoked", expires_in_days=365).get_json()["api_token"]["id"]
    clock.advance(DAY)
    access = login(client).get_json()["access_token"]
    assert remove(client, access, revoked) == (204, "")
    assert [each["name"] for each in listed(client, access)] == ["live", "expired"]
    clock.advance(30 * DAY - 1)
    assert prune(app)["api_tokens"] == 0
    clock.advance(1)
    assert prune(app)["api_tokens"] == 1
    clock.advance(1)
    assert prune(app)["api_tokens"] == 1
    assert [row["name"] for row in rows(app, "SELECT name FROM api_tokens")] == ["live"]


def test_list_has_every_live_token_and_a_limit(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lifecycle.MAX_LISTED == 100
    monkeypatch.setattr(lifecycle, "MAX_LISTED", 4)
    for batch in "abc":
        for number in range(2):
            created(client, access, name=f"{batch}{number}", expires_in_days=1)
        clock.advance(DAY - 1)
        access = login(client).get_json()["access_token"]
    found = sorted(each["name"] for each in listed(client, access))
    assert found == ["b0", "b1", "c0", "c1"]
    assert len(rows(app, "SELECT id FROM api_tokens")) == 6


@pytest.mark.both_databases
def test_export_has_revoked_tokens_too_and_no_digest(app: Flask, client: FlaskClient, access: str) -> None:
    made = create(client, access, READ).get_json()
    remove(client, access, made["api_token"]["id"])
    created(client, access, name="second")
    answer = client.get("/auth/me/export", headers=bearer(access))
    found = {each["name"]: each for each in answer.get_json()["api_tokens"]}
    assert found.keys() == {"backup script", "second"}
    assert found["second"]["revoked_at"] is None
    assert found["backup script"]["revoked_at"] == "2026-03-01T12:00:00Z"
    assert found["second"]["permissions"] == [READ]
    assert made["token"] not in answer.get_data(as_text=True)
