"""The end of many grants at once, and the revocation feed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from oauth.stores.grants import GrantEnd
from oauth.stores.row_locks import lock_grants
from tables.oauth import OAuthGrant, OAuthResource, SigningKey


class EndedGrant(NamedTuple):
    """A grant that ended, without whose it was."""

    id: UUID
    ended_at: datetime


def end_bound(tx: Session, session_ids: Sequence[UUID], now: datetime) -> None:
    """End the grants that are bound to these sessions."""
    bound = (OAuthGrant.session_id.in_(session_ids), OAuthGrant.offline.is_(False))
    _end(tx, GrantEnd.SESSION_ENDED, now, *bound)


def end_offline(tx: Session, user_id: int, reason: GrantEnd, now: datetime) -> None:
    """End the grants of an account that outlive sessions."""
    _end(tx, reason, now, OAuthGrant.user_id == user_id, OAuthGrant.offline.is_(True))


def end_of_user(tx: Session, user_id: int, reason: GrantEnd, now: datetime) -> None:
    """End all grants of an account."""
    _end(tx, reason, now, OAuthGrant.user_id == user_id)


def end_all(tx: Session, reason: GrantEnd, now: datetime) -> None:
    """End all grants."""
    _end(tx, reason, now)


def _end(tx: Session, reason: GrantEnd, now: datetime, *where: Any) -> None:
    living = (OAuthGrant.ended_at.is_(None), *where)
    lock_grants(tx, *living)
    ended = update(OAuthGrant).where(*living).values(ended_at=now, end_reason=reason)
    tx.execute(ended.execution_options(synchronize_session=False))


def ended_since(
    tx: Session, resource_client: str, since: datetime, *, used_since: datetime
) -> list[EndedGrant]:
    """Return the grants for resources of this client that ended later than `since`, the oldest first.

    Those that issued no access token since `used_since` are left out: all of their tokens have expired.
    """
    ended = (
        select(OAuthGrant.id, OAuthGrant.ended_at)
        .join(OAuthResource, OAuthResource.identifier == OAuthGrant.resource)
        .where(
            OAuthResource.client_id == resource_client,
            OAuthGrant.ended_at > since,
            OAuthGrant.last_used_at > used_since,
        )
        .order_by(OAuthGrant.ended_at, OAuthGrant.id)
    )
    return [EndedGrant._make(row) for row in tx.execute(ended)]


def leaked_keys(tx: Session, since: datetime) -> Sequence[str]:
    """Return the ids of the signing keys that leaked later than `since`."""
    leaked = select(SigningKey.kid).where(SigningKey.leaked_at > since).order_by(SigningKey.kid)
    return tx.scalars(leaked).all()
