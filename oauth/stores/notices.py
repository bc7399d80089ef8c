"""Notices of back-channel logout: written in the transaction that ends a session, delivered one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import CursorResult, Integer, case, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from tables.oauth import OAuthClient, OAuthGrant, OAuthNotice
from utils.database.engine import insert_into
from utils.database.random_ids import random_id

_COLUMNS = ("id", "client_id", "sid", "user_id", "created_at", "due_at", "attempts")


class Turn(NamedTuple):
    """A client whose turn it is, with a lease: no other process delivers to it before the lease ends."""

    client_id: str
    backchannel_uri: str | None
    disabled_at: datetime | None
    id_token_alg: str
    failures: int  # deliveries that failed in a row


class Claimed(NamedTuple):
    """A notice that is to be delivered now."""

    id: UUID
    sid: str
    user_id: int
    created_at: datetime


def write_of_sessions(tx: Session, session_ids: Sequence[UUID], now: datetime) -> bool:
    """Write a notice for each client that took part in these sessions and wants to be told.

    Return whether there was any to write, as the other functions do.
    """
    return _write(tx, now, OAuthGrant.session_id.in_(session_ids))


def write_of_user(tx: Session, user_id: int, now: datetime) -> bool:
    """Write a notice for each client that has a living grant of this account."""
    return _write(tx, now, OAuthGrant.user_id == user_id, OAuthGrant.ended_at.is_(None))


def write_of_grants(tx: Session, grant_ids: Sequence[UUID], now: datetime) -> bool:
    """Write a notice for each client and session of those of these grants that live."""
    return _write(tx, now, OAuthGrant.id.in_(grant_ids), OAuthGrant.ended_at.is_(None))


def _write(tx: Session, now: datetime, *where: Any) -> bool:
    """Write notices from grants by one statement. A session is told once to a client."""
    moment = literal(now, OAuthNotice.created_at.type)
    took_part = (
        select(
            random_id(),
            OAuthGrant.client_id,
            OAuthGrant.sid,
            func.min(OAuthGrant.user_id),
            moment,
            moment,
            literal(0, Integer),
        )
        .join(OAuthClient, OAuthClient.id == OAuthGrant.client_id)
        .where(
            OAuthClient.backchannel_uri.is_not(None),
            OAuthClient.disabled_at.is_(None),
            OAuthGrant.user_id.is_not(None),
            *where,
        )
        .group_by(OAuthGrant.client_id, OAuthGrant.sid)
    )
    written = insert_into(tx, OAuthNotice).from_select(_COLUMNS, took_part).on_conflict_do_nothing()
    done = cast("CursorResult[Any]", tx.execute(written))
    return done.rowcount > 0


def claim(tx: Session, now: datetime, until: datetime) -> Turn | None:
    """Give a turn, until the lease ends, to a client that has a notice that is due.

    One statement, so that a client is told one notice at a time. Clients that have answered come first, the
    one that waits longest before the others; then those that were never called; and those that failed when
    no other client has a notice that is due. So a client that does not answer holds up none that does.
    """
    is_free = or_(OAuthClient.notices_after.is_(None), OAuthClient.notices_after <= now)
    has_due = exists().where(OAuthNotice.client_id == OAuthClient.id, OAuthNotice.due_at <= now)
    has_failed = case((OAuthClient.notice_failures > 0, 1), else_=0)
    first = (
        select(OAuthClient.id)
        .where(is_free, has_due)
        .order_by(has_failed, OAuthClient.notices_after.asc().nulls_last(), OAuthClient.id)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    given = (
        update(OAuthClient)
        .where(OAuthClient.id == first.scalar_subquery(), is_free)
        .values(notices_after=until)
        .returning(
            OAuthClient.id,
            OAuthClient.backchannel_uri,
            OAuthClient.disabled_at,
            OAuthClient.id_token_alg,
            OAuthClient.notice_failures,
        )
    )
    row = tx.execute(given.execution_options(synchronize_session=False)).one_or_none()
    return Turn._make(row) if row else None


def oldest(tx: Session, client_id: str, now: datetime) -> Claimed | None:
    """Count a try of the client's oldest due notice and return it."""
    due = (OAuthNotice.client_id == client_id, OAuthNotice.due_at <= now)
    first = select(OAuthNotice.id).where(*due).order_by(OAuthNotice.due_at, OAuthNotice.id).limit(1)
    counted = (
        update(OAuthNotice)
        .where(OAuthNotice.id == first.scalar_subquery())
        .values(attempts=OAuthNotice.attempts + 1)
        .returning(OAuthNotice.id, OAuthNotice.sid, OAuthNotice.user_id, OAuthNotice.created_at)
    )
    row = tx.execute(counted.execution_options(synchronize_session=False)).one_or_none()
    return Claimed._make(row) if row else None


def delivered(tx: Session, notice_id: UUID, client_id: str, now: datetime) -> None:
    """Record that the client took the notice. Its next turn comes after those of the others."""
    _set(tx, notice_id, sent_at=now, due_at=None, last_error=None)
    end_turn(tx, client_id, now, failures=0)


def note_error(tx: Session, notice_id: UUID, error: str) -> None:
    """Record why a delivery failed."""
    _set(tx, notice_id, last_error=error)


def give_up(
    tx: Session, client_id: str, written_before: datetime, error: str, now: datetime, *, only: UUID | None
) -> int:
    """Give up the waiting notices of a client that were written by then, or only one; return how many."""
    waiting = (OAuthNotice.client_id == client_id, OAuthNotice.due_at.is_not(None))
    which = OAuthNotice.created_at <= written_before if only is None else OAuthNotice.id == only
    done = update(OAuthNotice).where(*waiting, which).values(given_up_at=now, due_at=None, last_error=error)
    returned = done.returning(OAuthNotice.id).execution_options(synchronize_session=False)
    return len(tx.scalars(returned).all())


def end_turn(tx: Session, client_id: str, next_turn: datetime, *, failures: int) -> None:
    """End the lease on a client, and set when it has its next turn."""
    ended = update(OAuthClient).where(OAuthClient.id == client_id)
    values = {"notices_after": next_turn, "notice_failures": failures}
    tx.execute(ended.values(**values).execution_options(synchronize_session=False))


def is_due(tx: Session, now: datetime) -> bool:
    """Whether a notice is due. A question without a lock, asked each second."""
    return tx.scalar(select(exists().where(OAuthNotice.due_at <= now))) or False


def has_waiting(tx: Session, client_id: str) -> bool:
    """Whether a notice to this client waits."""
    waits = (OAuthNotice.client_id == client_id, OAuthNotice.due_at.is_not(None))
    return tx.scalar(select(exists().where(*waits))) or False


def _set(tx: Session, notice_id: UUID, **values: Any) -> None:
    changed = update(OAuthNotice).where(OAuthNotice.id == notice_id, OAuthNotice.due_at.is_not(None))
    tx.execute(changed.values(**values).execution_options(synchronize_session=False))
