"""Authorization codes."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import UserSession
from tables.oauth import OAuthCode


class SessionFacts(NamedTuple):
    """How a session was authenticated (`amr`), and when a second factor was last proven in it."""

    amr: str
    factor_at: datetime | None


def session_facts(tx: Session, session_id: UUID) -> SessionFacts | None:
    """Return how a session was authenticated, or None if it does not exist."""
    found = select(UserSession.amr, UserSession.factor_at).where(UserSession.id == session_id)
    row = tx.execute(found).one_or_none()
    return SessionFacts._make(row) if row else None


def issue(
    tx: Session,
    *,
    client_id: str,
    user_id: int,
    session_id: UUID,
    redirect_uri: str,
    code_challenge: str | None,
    oidc_nonce: str | None,
    scopes: Sequence[str],
    resource: str | None,
    auth_time: datetime,
    amr: str,
    now: datetime,
    expires_at: datetime,
) -> OAuthCode:
    """Add a code. Account and client must be locked against erasure."""
    row = OAuthCode(
        id=uuid4(),
        client_id=client_id,
        user_id=user_id,
        session_id=session_id,
        nonce=secrets.token_bytes(32),
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        oidc_nonce=oidc_nonce,
        scopes=list(scopes),
        resource=resource,
        auth_time=auth_time,
        amr=amr,
        created_at=now,
        expires_at=expires_at,
    )
    tx.add(row)
    tx.flush()
    return row
