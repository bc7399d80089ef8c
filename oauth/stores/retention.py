"""Deleting what expired: codes, grants, notices. Each deletes at most a slice of rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from tables.oauth import OAuthCode, OAuthGrant, OAuthNotice


def prune_codes(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete codes that expired before this time, used or not; return how many."""
    return _delete(tx, OAuthCode.id, OAuthCode.expires_at < before, slice_size)


def prune_grants(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete grants that ended or ran out before this time; return how many."""
    over = or_(OAuthGrant.ended_at < before, OAuthGrant.idle_end < before, OAuthGrant.absolute_end < before)
    return _delete(tx, OAuthGrant.id, over, slice_size)


def prune_notices(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete notices that were written before this time, sent or not; return how many.

    Notices that stay undelivered while the provider is switched off are deleted, too.
    """
    return _delete(tx, OAuthNotice.id, OAuthNotice.created_at < before, slice_size)


def _delete(tx: Session, key: InstrumentedAttribute[Any], over: ColumnElement[bool], slice_size: int) -> int:
    some = select(key).where(over).limit(slice_size)
    return len(tx.execute(delete(key.class_).where(key.in_(some)).returning(key)).all())
