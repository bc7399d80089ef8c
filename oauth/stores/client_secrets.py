"""Secrets of confidential clients, as SHA-256 digests."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from tables.oauth import OAuthClientSecret


class Secret(NamedTuple):
    """A secret that is valid now."""

    id: UUID
    digest: bytes
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


def live(tx: Session, client_id: str, now: datetime) -> Sequence[Secret]:
    """Return the secrets of a client that are valid now, the newest first."""
    columns = [getattr(OAuthClientSecret, name) for name in Secret._fields]
    mine = select(*columns).where(OAuthClientSecret.client_id == client_id, _is_live(now))
    newest = OAuthClientSecret.created_at.desc(), OAuthClientSecret.id
    return [Secret._make(row) for row in tx.execute(mine.order_by(*newest))]


def add(tx: Session, client_id: str, digest: bytes, now: datetime) -> None:
    """Add a secret that does not expire."""
    values = {"id": uuid4(), "client_id": client_id, "digest": digest, "created_at": now}
    tx.execute(insert(OAuthClientSecret).values(values))


def expire(tx: Session, ids: Collection[UUID], at: datetime) -> None:
    """Let secrets end at this time, or before where that is so already."""
    is_later = or_(OAuthClientSecret.expires_at.is_(None), OAuthClientSecret.expires_at > at)
    some = update(OAuthClientSecret).where(OAuthClientSecret.id.in_(ids), is_later)
    tx.execute(some.values(expires_at=at))


def note_use(tx: Session, secret_id: UUID, now: datetime, interval: timedelta) -> None:
    """Record that a secret was used, unless a use within `interval` is recorded."""
    last = OAuthClientSecret.last_used_at
    is_due = or_(last.is_(None), last <= now - interval, last >= now + interval)
    tx.execute(
        update(OAuthClientSecret).where(OAuthClientSecret.id == secret_id, is_due).values(last_used_at=now)
    )


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` secrets that expired before this time; return how many."""
    some = select(OAuthClientSecret.id).where(OAuthClientSecret.expires_at < before).limit(slice_size)
    deleted = delete(OAuthClientSecret).where(OAuthClientSecret.id.in_(some)).returning(OAuthClientSecret.id)
    return len(tx.execute(deleted).all())


def _is_live(now: datetime) -> ColumnElement[bool]:
    return or_(OAuthClientSecret.expires_at.is_(None), OAuthClientSecret.expires_at > now)
