"""Faults of API keys in other projects, each with a test that shows that it is not here."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import TypeAdapter
from sqlalchemy import select

from auth.permissions import AuthPermission
from models import db
from tests.support import mailbox
from tests.support.api_tokens import READ, create, created, give, listed, owned, status, take, verify
from tests.support.authenticator_app import Owner
from tests.support.requests import confirm_addresses, disable, enable, everything, post, said
from tests.support.service import FixedClock, bearer, execute, login, rows, signed_in
from utils.web.http import documentation

pytestmark = pytest.mark.both_databases(nightly=True)


def token_routes(app: Flask) -> set[tuple[str, str]]:
    """Return method and path of every route of API tokens."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if "token" in rule.rule and rule.rule.startswith("/auth/")
    }


def input_fields(app: Flask) -> set[str]:
    """Return the name of every field of a body or query of the service."""
    views = [documentation(view) for view in app.view_functions.values()]
    models = {model for docs in views for model in (docs.body, docs.query) if model}
    return {name for model in models for name in TypeAdapter(model).json_schema()["properties"]}


def test_cve_2025_61928_owner_of_a_new_token_is_the_caller(app: Flask, client: FlaskClient) -> None:
    """Better Auth took the owner of a new key from the body, without a session."""
    ada, grace = signed_in(client), signed_in(client, "grace")
    give(app, READ)
    other = grace["user"]["id"]
    named = {"user_id": other, "userId": other, "owner": other, "id": other}
    assert said(create(client, "", READ, **named)) == (401, "token_missing")
    token = created(client, ada["access_token"], READ, **named)
    assert verify(app, token, READ).headers["X-Auth-User-Id"] == str(ada["user"]["id"])
    assert [row["user_id"] for row in rows(app, "SELECT user_id FROM api_tokens")] == [ada["user"]["id"]]


def test_st2_6380_no_route_takes_an_owner(app: Flask) -> None:
    """StackStorm bound a key to any user."""
    assert not {name for name in input_fields(app) if re.search(r"user_?id|owner|account|subject", name)}
    assert token_routes(app) == {
        ("GET", "/auth/tokens"),
        ("POST", "/auth/tokens"),
        ("DELETE", "/auth/tokens/<uuid:token_id>"),
    }


def test_cve_2024_37905_token_cannot_be_changed_afterwards(app: Flask, client: FlaskClient) -> None:
    """authentik let a token's user be changed."""
    access = signed_in(client)["access_token"]
    give(app, READ)
    made = create(client, access, READ).get_json()["api_token"]
    before = everything(app)["api_tokens"]
    for method in ("PATCH", "PUT", "POST", "GET"):
        answer = client.open(
            f"/auth/tokens/{made['id']}",
            method=method,
            json={"user_id": 2, "permissions": [READ, "invoices:send"], "expires_in_days": 365},
            headers=bearer(access),
        )
        assert said(answer) == (405, "method_not_allowed")
    assert everything(app)["api_tokens"] == before


def test_cve_2026_49448_no_output_field_of_an_owner_is_an_input_field(app: Flask) -> None:
    """authentik let the owner of a link to a provider be changed by its API."""
    assert not input_fields(app) & {"id", "user_id", "user", "created_at", "last_used_at", "by_factor"}


@pytest.mark.both_databases(slow=True)
def test_ghsa_q658_hfpg_35qc_token_of_a_demoted_owner(app: Flask) -> None:
    """gokapi kept the old rights in the keys of a demoted user."""
    token = owned(app)
    assert status(app, token) == 204
    take(app)
    assert said(verify(app, token, READ)) == (403, "permission_missing")


def test_ghsa_m2hx_wjxc_9fp4_and_ownpay_353_token_with_more_than_its_maker_has(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    """gokapi, temps, microclaw and OwnPay made keys with more than their maker has."""
    access = signed_in(client, "grace")["access_token"]
    give(app, READ, login="grace")
    for permission in ("invoices:send", "auth:view", "auth:audit"):
        assert said(create(client, access, permission)) == (403, "permission_missing")
    owner = Owner(client, clock)
    give(app, role="admin")
    for permission in set(AuthPermission) - {AuthPermission.VIEW, AuthPermission.AUDIT}:
        assert said(create(client, owner.access, permission)) == (400, "permission_invalid")
    assert rows(app, "SELECT id FROM api_tokens") == []


def test_cudly_1301_and_decocms_4180_narrow_token_of_an_administrator(app: Flask, clock: FixedClock) -> None:
    """A key without scopes had all of its owner's; the owner's role widened it."""
    owner = Owner(app.test_client(), clock)
    give(app, role="admin")
    give(app, READ)
    token = created(owner.client, owner.access, READ)
    assert status(app, token, READ) == 204
    for permission in AuthPermission:
        assert said(verify(app, token, permission)) == (403, "permission_missing")
    execute(app, "UPDATE api_tokens SET permissions = ''")
    assert said(verify(app, token, READ)) == (403, "permission_missing")
    assert said(verify(app, token)) == (403, "session_required")


def test_ghsa_57q6_fvp4_pqmm_token_in_another_header(app: Flask, client: FlaskClient) -> None:
    """Open WebUI held the restrictions of keys for one header and not for another."""
    token = owned(app)
    elsewhere: list[dict[str, str]] = [
        {"X-API-Key": token},
        {"X-Auth-Token": token},
        {"Api-Key": token},
        {"Proxy-Authorization": f"Bearer {token}"},
        {"Cookie": f"token={token}; __Host-refresh={token}"},
    ]
    for headers in elsewhere:
        for path in ("/auth/me", f"/auth/verify?permission={READ}"):
            assert said(client.get(path, headers=headers)) == (401, "token_missing")
    for scheme in ("Basic", "Token", "ApiKey"):
        answer = client.get("/auth/verify", headers={"Authorization": f"{scheme} {token}"})
        assert said(answer) == (401, "token_malformed")
    assert said(client.get(f"/auth/verify?access_token={token}")) == (401, "token_missing")
    assert post(client, "refresh", refresh_token=token).status_code == 401


def test_blnk_298_token_of_another_account(app: Flask, client: FlaskClient) -> None:
    """blnk listed and revoked the keys of others."""
    token = owned(app)
    (shown,) = listed(client, login(client).get_json()["access_token"])
    other = signed_in(client, "grace")["access_token"]
    assert listed(client, other) == []
    gone = client.delete(f"/auth/tokens/{shown['id']}", headers=bearer(other))
    assert said(gone) == (404, "api_token_not_found")
    assert status(app, token) == 204


@pytest.mark.both_databases(slow=True)
def test_marmot_252_and_directus_2070_token_of_a_disabled_owner(app: Flask, client: FlaskClient) -> None:
    """Keys outlived a disabled owner in marmot, shynet, Octopus and directus."""
    refused = (401, "token_invalid")
    token = owned(app)
    confirm_addresses(app)
    disable(app)
    assert said(verify(app, token, READ)) == refused
    enable(app)
    assert status(app, token) == 204
    access = login(client).get_json()["access_token"]
    assert client.delete("/auth/me", headers=bearer(access)).status_code == 202
    assert said(verify(app, token, READ)) == refused
    link = mailbox.token(app, "deletion_requested")
    assert post(client, "me/restore", token=link).status_code == 200
    assert said(verify(app, token, READ)) == refused  # whoever closed the account may have made it
    execute(app, "UPDATE api_tokens SET revoked_at = NULL")
    execute(app, "UPDATE users SET password_blocked_at = created_at")
    assert said(verify(app, token, READ)) == refused
    execute(app, "UPDATE users SET password_blocked_at = NULL")
    assert status(app, token) == 204
    execute(app, "DELETE FROM users")
    assert said(verify(app, token, READ)) == refused


def test_logto_no_column_holds_a_token(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Logto stores personal access tokens in the clear."""
    token = owned(app)
    assert status(app, token) == 204
    mailbox.deliver(app)
    secret = token.removeprefix("auth_pat_")
    with app.app_context(), db.engine.connect() as connection:
        stored: list[Any] = [
            value
            for table in db.metadata.sorted_tables
            for row in connection.execute(select(table))
            for value in row
        ]
    texts = [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in stored]
    for part in (secret, secret[:16], secret[16:32]):
        assert not [text for text in texts if part in text]
        assert part not in caplog.text
        assert not [mail for mail in mailbox.mails(app) if part in mailbox.text_of(mail)]
    access = login(client).get_json()["access_token"]
    for path in ("tokens", "me", "me/activity", "me/export"):
        assert secret[:32] not in client.get(f"/auth/{path}", headers=bearer(access)).get_data(as_text=True)
