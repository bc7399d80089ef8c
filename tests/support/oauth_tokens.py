"""Codes, grants and tokens of clients, for tests: rows inserted directly, and the calls of a client."""

import base64
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import db
from oauth import tokens
from tables.oauth import OAuthCode, OAuthResource
from tests.support.fast_beginnings import step
from tests.support.oauth import REDIRECT, SECRET
from tests.support.service import START, rows, signed_in
from utils.services import services

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPES = ("openid", "profile", "email")
API = "https://api.example.com"
Json = dict[str, Any]


def log_in(app: Flask, name: str = "ada") -> tuple[int, UUID]:
    """Log in; return the ids of the account and its newest session."""
    signed_in(app.test_client(), name)

    def found(app: Flask) -> tuple[int, UUID]:
        row, *_ = rows(
            app,
            "SELECT sessions.id, user_id FROM sessions JOIN users ON users.id = user_id "
            "WHERE username = :name ORDER BY sessions.created_at DESC, sessions.id",
            name=name,
        )
        return row["user_id"], UUID(str(row["id"]))

    return step(app, ["newest session", name], found)


def issue_code(app: Flask, user_id: int, session_id: UUID, client_id: str = "app", **columns: Any) -> str:
    """Insert an authorization code as a decision does, and return its text."""

    def insert() -> str:
        now = services().clock.now()
        values: Json = {
            "id": uuid4(),
            "client_id": client_id,
            "user_id": user_id,
            "session_id": session_id,
            "nonce": b"n" * 32,
            "redirect_uri": REDIRECT,
            "code_challenge": CHALLENGE,
            "oidc_nonce": "nonce-of-the-client",
            "scopes": list(SCOPES),
            "resource": None,
            "auth_time": now,
            "amr": "pwd",
            "created_at": now,
            "expires_at": now + timedelta(seconds=60),
        }
        row = OAuthCode(**(values | columns))
        db.session.add(row)
        db.session.commit()
        return tokens.code(services(), row)

    def issued(app: Flask) -> str:
        with app.app_context():
            return insert()

    return step(app, ["code", user_id, str(session_id), client_id, columns], issued)


def code_of(app: Flask, name: str = "ada", client_id: str = "app", **columns: Any) -> str:
    """Log in and return a code of that session."""
    return issue_code(app, *log_in(app, name), client_id, **columns)


def credentials(client_id: str = "app", secret: str | None = SECRET) -> Json:
    return {"client_id": client_id} | ({"client_secret": secret} if secret is not None else {})


def call(app: Flask, path: str, **form: Any) -> TestResponse:
    """Call an endpoint of clients with this form, by default as the client `app`."""
    sent = {name: value for name, value in (credentials() | form).items() if value is not None}
    return app.test_client().post(f"/oauth/{path}", data=sent)


def redeem(app: Flask, code: str, **form: Any) -> TestResponse:
    given = {"code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER} | form
    return call(app, "token", **({"grant_type": "authorization_code"} | given))


def refresh_app(app: Flask, token: str, **form: Any) -> TestResponse:
    return call(app, "token", grant_type="refresh_token", refresh_token=token, **form)


def got(app: Flask, **columns: Any) -> Json:
    """Return the tokens that the client `app` got for ada."""
    answer = redeem(app, code_of(app, **columns))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: Json = answer.get_json()
    return body


def userinfo(client: FlaskClient, token: str) -> TestResponse:
    return client.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})


def claims_of(token: str) -> Json:
    """Return the claims of a JWT, unverified."""
    part = token.split(".")[1]
    found: Json = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def refused(answer: TestResponse) -> tuple[int, str, str]:
    """Return status, `error` and `code` of a refusal; of a success its status and two empty texts."""
    body = answer.get_json(silent=True) or {}
    return answer.status_code, body.get("error", ""), body.get("code", "")


def resource_row(app: Flask, client_id: str = "api", identifier: str = API) -> str:
    """Insert a resource of this client, and return its identifier."""
    with app.app_context():
        row = OAuthResource(
            identifier=identifier, client_id=client_id, name="API", scopes={}, created_at=START
        )
        db.session.add(row)
        db.session.commit()
    return identifier


def grant_rows(app: Flask) -> list[Json]:
    return rows(app, "SELECT * FROM oauth_grants ORDER BY created_at, id")


def reasons(app: Flask) -> set[str]:
    """Return the reasons of the refusals that operators see."""
    return {row["reason"] for row in rows(app, "SELECT reason FROM oauth_refusals")}
