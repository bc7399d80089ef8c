"""Consents and grants of the OpenID Connect provider, inserted directly."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import insert, update

from models import db
from oauth import tokens
from tables.oauth import OAuthCode, OAuthConsent, OAuthGrant, OAuthNotice
from tests.support.service import START, rows

DAY = timedelta(days=1)


def consent_row(app: Flask, client_id: str = "app", user_id: int = 1, **columns: Any) -> None:
    """Insert what an account allowed a client."""
    values: dict[str, Any] = {"user_id": user_id, "client_id": client_id, "scopes": ["openid", "email"]}
    values |= {"resources": [], "client_digest": b"digest", "granted_at": START}
    _insert(app, OAuthConsent, values | columns)


def grant_row(
    app: Flask, client_id: str = "app", user_id: int = 1, now: datetime = START, **columns: Any
) -> UUID:
    """Insert a grant, by default one of the account's latest session that is bound to it."""
    session_id = columns.pop("session_id", None) or latest_session(app, user_id)
    values: dict[str, Any] = {
        "id": uuid4(),
        "user_id": user_id,
        "client_id": client_id,
        "session_id": session_id,
        "sid": tokens.sid(session_id, client_id),
        "secret": b"s" * 32,
        "generation": 0,
        "rotated_at": None,
        "scopes": ["openid"],
        "resource": None,
        "offline": False,
        "auth_time": now,
        "amr": "pwd",
        "created_at": now,
        "last_used_at": now,
        "idle_end": now + 30 * DAY,
        "absolute_end": now + 90 * DAY,
        "ip_address": "203.0.113.7",
        "user_agent": "app/1",
        "ended_at": None,
        "end_reason": None,
    }
    found = values | columns
    _insert(app, OAuthGrant, found)
    granted: UUID = found["id"]
    return granted


def code_row(app: Flask, client_id: str = "app", user_id: int = 1, **columns: Any) -> None:
    """Insert an authorization code that was not used yet."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "client_id": client_id,
        "user_id": user_id,
        "session_id": uuid4(),
        "nonce": b"n" * 16,
        "redirect_uri": "https://app.example.com/cb",
        "scopes": ["openid"],
        "auth_time": START,
        "amr": "pwd",
        "created_at": START,
        "expires_at": START + timedelta(seconds=60),
    }
    _insert(app, OAuthCode, values | columns)


def notice_row(app: Flask, client_id: str = "app", **columns: Any) -> None:
    """Insert a notice of a logout that waits to be sent."""
    values: dict[str, Any] = {"id": uuid4(), "client_id": client_id, "sid": uuid4().hex, "user_id": 1}
    values |= {"created_at": START, "due_at": START, "attempts": 0}
    _insert(app, OAuthNotice, values | columns)


def latest_session(app: Flask, user_id: int = 1) -> UUID:
    found = rows(app, "SELECT id FROM sessions WHERE user_id = :id ORDER BY created_at DESC", id=user_id)
    return UUID(str(found[0]["id"]))


def change_grant(app: Flask, grant_id: UUID, **columns: Any) -> None:
    with app.app_context():
        db.session.execute(update(OAuthGrant).where(OAuthGrant.id == grant_id).values(**columns))
        db.session.commit()


def _insert(app: Flask, table: Any, values: dict[str, Any]) -> None:
    with app.app_context():
        db.session.execute(insert(table).values(**values))
        db.session.commit()


def connect_in_file(database: Path, email: str, name: str) -> None:
    """Register a client of this name in a SQLite file, with the consent of the account of this address."""
    now = "2026-01-01 00:00:00.000000"
    client = (name.lower().replace(" ", "-"), name, now)
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO oauth_clients (id, name, kind, redirect_uris, post_logout_uris, scopes, pkce, "
            "trusted, id_token_alg, claims_in_id_token, takes_unverified, require_factor, notice_failures, "
            "created_at) VALUES "
            "(?, ?, 'web', '[\"https://app.example.com/cb\"]', '[]', '[\"openid\"]', 'required', 0, 'RS256', "
            "1, 0, 0, 0, ?)",
            client,
        )
        connection.execute(
            "INSERT INTO oauth_consents (user_id, client_id, scopes, resources, client_digest, granted_at) "
            "SELECT id, ?, '[\"openid\"]', '[]', x'00', ? FROM users WHERE email = ?",
            [client[0], now, email],
        )
    connection.close()
