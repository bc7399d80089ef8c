"""Sessions that ran out: used too long ago, or too old. Nothing admits them; pruning ends them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from auth.events import EndReason
from models import UserSession


def users(tx: Session, now: datetime, limit: int) -> list[int]:
    """Return some accounts with sessions that ran out and were not ended yet."""
    return list(tx.scalars(select(UserSession.user_id).where(*_run_out(now)).distinct().limit(limit)))


def end(tx: Session, user_id: int, reason: EndReason, now: datetime) -> list[UUID]:
    """End the sessions of one user that ran out; return their ids. Called by `auth.sessions.ending` alone."""
    ended = (
        update(UserSession)
        .where(UserSession.user_id == user_id, *_run_out(now))
        .values(ended_at=now, end_reason=reason)
        .returning(UserSession.id)
    )
    return list(tx.scalars(ended))


def _run_out(now: datetime) -> tuple[ColumnElement[bool], ...]:
    over = or_(UserSession.idle_end <= now, UserSession.absolute_end <= now)
    return UserSession.ended_at.is_(None), over
