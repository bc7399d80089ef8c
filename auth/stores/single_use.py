"""Secrets that are used once: one conditional statement decides which of many callers uses one.

The tables differ in what else they hold; `used_at` also marks secrets that were voided.
"""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from models import AuthChallenge, OneTimeToken

T = TypeVar("T", OneTimeToken, AuthChallenge)


def by_id(tx: Session, table: type[T], row_id: UUID) -> T | None:
    """Return the row as it stands now, used or not."""
    return tx.get(table, row_id, populate_existing=True)


def use(tx: Session, table: type[T], row_id: UUID, now: datetime) -> bool:
    """Use the secret; False if it is used, voided or expired, even since a moment ago."""
    return void(tx, table, now, table.id == row_id, table.expires_at > now) == 1


def void(tx: Session, table: type[T], now: datetime, *where: ColumnElement[bool]) -> int:
    """Void the secrets that meet these conditions and are not used; return how many there were."""
    voided = update(table).where(*where, table.used_at.is_(None)).values(used_at=now).returning(table.id)
    return len(tx.execute(voided).all())


def void_beyond(tx: Session, limit: int, newest: T, now: datetime) -> None:
    """Void the oldest active secrets of the same account and purpose beyond `limit`, but never the newest.

    Secrets without an account are left alone: unrelated callers would wait for each other's rows.
    """
    table = type(newest)
    siblings = (
        table.user_id == (newest.user_id or 0),
        table.purpose == newest.purpose,
        table.id != newest.id,
        table.used_at.is_(None),
        table.expires_at > now,
    )
    beyond = select(table.id).where(*siblings)
    beyond = beyond.order_by(table.created_at.desc(), table.id).offset(limit - 1)
    void(tx, table, now, table.id.in_(beyond))


def prune(tx: Session, table: type[T], before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` rows that were used, or expired, before this time; return how many."""
    over = or_(table.used_at < before, table.expires_at < before)
    some = select(table.id).where(over).limit(slice_size)
    deleted = delete(table).where(table.id.in_(some)).returning(table.id)
    return len(tx.execute(deleted).all())
