"""Grants of clients in the database, for tests, and what ended of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import select

from models import UserSession, db
from oauth import tokens
from oauth.stores import endings, grants
from tables.oauth import OAuthGrant, OAuthNotice, OAuthResource
from tests.support.service import START
from utils.client_info import ClientInfo

CALLER = ClientInfo(address="192.0.2.1", user_agent="app", request_id="r")
RESOURCE = "https://api.example.com"


def session_ids(app: Flask, user_id: int = 1) -> list[UUID]:
    """Return the ids of an account's living sessions, the oldest first."""
    with app.app_context():
        mine = (UserSession.user_id == user_id, UserSession.ended_at.is_(None))
        living = (
            select(UserSession.id).where(*mine).order_by(UserSession.created_at, UserSession.last_used_at)
        )
        return list(db.session.scalars(living))


def grant_row(
    app: Flask, session_id: UUID, client_id: str = "app", *, user_id: int | None = 1, **columns: Any
) -> UUID:
    """Insert a grant that was given in this session and return its id."""
    now = columns.pop("now", START)
    values: dict[str, Any] = {
        "id": uuid4(),
        "user_id": user_id,
        "client_id": client_id,
        "session_id": session_id,
        "sid": tokens.sid(session_id, client_id),
        "secret": bytes(32),
        "generation": 0,
        "rotated_at": None,
        "scopes": ["openid"],
        "resource": None,
        "offline": False,
        "auth_time": now,
        "amr": "pwd",
        "idle_end": now + timedelta(days=30),
        "absolute_end": now + timedelta(days=90),
        "ended_at": None,
    }
    with app.app_context():
        grants.start(db.session(), grants.Grant(**(values | columns)), now, CALLER)
        db.session.commit()
    found: UUID = (values | columns)["id"]
    return found


def resource_row(app: Flask, client_id: str, identifier: str = RESOURCE) -> None:
    """Make this client a resource of this identifier."""
    with app.app_context():
        row = OAuthResource(
            identifier=identifier, client_id=client_id, name="Orders", scopes={}, created_at=START
        )
        db.session.add(row)
        db.session.commit()


def ended(app: Flask) -> dict[UUID, str]:
    """Return the grants that ended, with the reason."""
    with app.app_context():
        over = select(OAuthGrant.id, OAuthGrant.end_reason).where(OAuthGrant.ended_at.is_not(None))
        return {grant_id: str(reason) for grant_id, reason in db.session.execute(over)}


def written(app: Flask) -> list[tuple[str, str]]:
    """Return client and `sid` of every notice."""
    with app.app_context():
        found = db.session.execute(select(OAuthNotice.client_id, OAuthNotice.sid))
        return sorted((client_id, sid) for client_id, sid in found)


def end_bound(app: Flask, *sessions: UUID) -> None:
    """End the grants of these sessions, as the listener does."""
    services = app.extensions["auth_services"]
    with app.app_context():
        endings.end_bound(db.session(), sessions, services.clock.now())
        db.session.commit()
