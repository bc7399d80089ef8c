"""The end of sessions: every flow ends them here, in its own transaction.

Each function counts what ended in the metrics, and tells `Services.listener`, so that what is bound to a
session ends with it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth.events import EndReason
from auth.stores import run_out_sessions, sessions
from auth.stores.sessions import Ended
from models import SessionState
from utils.services import Services


def end(
    services: Services, tx: Session, session_id: UUID, user_id: int, reason: EndReason, now: datetime
) -> bool:
    """End one session of this user; False if there is no such live session."""
    return bool(_told(services, tx, sessions.end(tx, session_id, user_id, reason, now), reason, now))


def end_others(
    services: Services, tx: Session, keep: UUID, user_id: int, reason: EndReason, now: datetime
) -> int:
    """End all of the user's sessions but one; return how many."""
    return _told(services, tx, sessions.end_others(tx, keep, user_id, reason, now), reason, now)


def end_oldest_beyond(
    services: Services, tx: Session, limit: int, newest: SessionState, now: datetime
) -> int:
    """End the least recently used sessions of a user beyond `limit` live ones; return how many."""
    ended = sessions.end_oldest_beyond(tx, limit, newest, EndReason.TOO_MANY, now)
    return _told(services, tx, ended, EndReason.TOO_MANY, now)


def end_run_out(services: Services, tx: Session, user_id: int, now: datetime) -> int:
    """End the sessions of one user that ran out; return how many."""
    ids = run_out_sessions.end(tx, user_id, EndReason.EXPIRED, now)
    return _told(services, tx, Ended(len(ids), ids), EndReason.EXPIRED, now)


def end_account(services: Services, tx: Session, user_id: int, reason: EndReason, now: datetime) -> int:
    """End all sessions of one user, and all access of apps; return how many sessions."""
    ended = _told(services, tx, sessions.end_all(tx, user_id, reason, now), reason, now)
    services.listener.account_revoked(services, tx, user_id, now)
    return ended


def end_everything(services: Services, tx: Session, reason: EndReason, now: datetime) -> int:
    """End all sessions of all users; return how many.

    The caller commits and then calls `Services.listener.all_revoked`, which ends the access of apps.
    """
    ended = sessions.end_all(tx, None, reason, now)
    services.metrics.count_ended_sessions(reason, ended.live)
    return ended.live


def _told(services: Services, tx: Session, ended: Ended, reason: EndReason, now: datetime) -> int:
    services.metrics.count_ended_sessions(reason, ended.live)
    if ended.ids:
        services.listener.sessions_ended(services, tx, ended.ids, now)
    return ended.live
