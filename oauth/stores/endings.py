"""The end of many grants at once, and the revocation feed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
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


def living(
    tx: Session, *, client_id: str | None = None, after: UUID | None = None, limit: int
) -> Sequence[UUID]:
    """Return the ids of grants that have not ended, after this id, by id: of a client, or of all clients."""
    where: list[ColumnElement[bool]] = [OAuthGrant.ended_at.is_(None)]
    if client_id is not None:
        where.append(OAuthGrant.client_id == client_id)
    if after is not None:
        where.append(OAuthGrant.id > after)
    return tx.scalars(select(OAuthGrant.id).where(*where).order_by(OAuthGrant.id).limit(limit)).all()


def end_some(tx: Session, grant_ids: Sequence[UUID], reason: str, now: datetime) -> int:
    """End those of these grants that live; return how many."""
    some = (OAuthGrant.id.in_(grant_ids), OAuthGrant.ended_at.is_(None))
    lock_grants(tx, *some)
    mine = update(OAuthGrant).where(*some).values(ended_at=now, end_reason=reason)
    ended = mine.execution_options(synchronize_session=False)
    return len(tx.execute(ended.returning(OAuthGrant.id)).all())


def _end(tx: Session, reason: GrantEnd, now: datetime, *where: Any) -> None:
    living = (OAuthGrant.ended_at.is_(None), *where)
    lock_grants(tx, *living)
    ended = update(OAuthGrant).where(*living).values(ended_at=now, end_reason=reason)
    tx.execute(ended.execution_options(synchronize_session=False))


def page(
    tx: Session,
    resource_client: str,
    since: datetime,
    after: UUID | None,
    *,
    used_since: datetime,
    limit: int,
) -> list[EndedGrant]:
    """Return grants for resources of this client that ended later than `since`, by time and id.

    With `after`, those that ended at `since` and have a greater id come first. Grants that issued no access
    token since `used_since` are left out: all of their tokens have expired.
    """
    follows: ColumnElement[bool] = OAuthGrant.ended_at > since
    if after is not None:
        # The second condition is implied by the first, and is one for the index.
        same = and_(OAuthGrant.ended_at == since, OAuthGrant.id > after)
        follows = and_(or_(follows, same), OAuthGrant.ended_at >= since)
    found = (
        select(OAuthGrant.id, OAuthGrant.ended_at)
        .join(OAuthResource, OAuthResource.identifier == OAuthGrant.resource)
        .where(OAuthResource.client_id == resource_client, follows, OAuthGrant.last_used_at > used_since)
        .order_by(OAuthGrant.ended_at, OAuthGrant.id)
        .limit(limit)
    )
    return [EndedGrant._make(row) for row in tx.execute(found)]


def number(
    tx: Session, resource_client: str, since: datetime, until: datetime, *, used_since: datetime
) -> int:
    """Return how many grants for resources of this client ended later than `since`, up to `until`.

    Those that issued no access token since `used_since` are not counted. For the same times the number only
    grows, by endings that are committed late, while none of the grants is pruned.
    """
    counted = (
        select(func.count())
        .select_from(OAuthGrant)
        .join(OAuthResource, OAuthResource.identifier == OAuthGrant.resource)
        .where(
            OAuthResource.client_id == resource_client,
            OAuthGrant.ended_at > since,
            OAuthGrant.ended_at <= until,
            OAuthGrant.last_used_at > used_since,
        )
    )
    return tx.scalars(counted).one()


def leaked_keys(tx: Session, since: datetime) -> Sequence[str]:
    """Return the ids of the signing keys that leaked later than `since`."""
    leaked = select(SigningKey.kid).where(SigningKey.leaked_at > since).order_by(SigningKey.kid)
    return tx.scalars(leaked).all()
