"""One-time tokens: the rows that mailed links stand for. One conditional statement uses one up."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from auth.events import LinkPurpose
from models import OneTimeToken
from utils.identifiers import email_key


def issue(
    tx: Session,
    user_id: int | None,
    purpose: LinkPurpose,
    email: str,
    now: datetime,
    expires_at: datetime,
) -> OneTimeToken:
    """A new token for this user and address; without a user it is nobody's and opens nothing."""
    issued = OneTimeToken(
        id=uuid4(),
        purpose=purpose,
        user_id=user_id,
        email=email if user_id else "",
        email_key=(email_key(email) or "") if user_id else "",
        nonce=secrets.token_bytes(16),
        created_at=now,
        expires_at=expires_at,
    )
    tx.add(issued)
    tx.flush()
    return issued


def by_id(tx: Session, token_id: UUID) -> OneTimeToken | None:
    """The token as it stands now, used or not."""
    return tx.get(OneTimeToken, token_id, populate_existing=True)


def use(tx: Session, token_id: UUID, now: datetime) -> bool:
    """Use the token up; False if it is used or expired, even since a moment ago."""
    return bool(_void(tx, now, OneTimeToken.id == token_id, OneTimeToken.expires_at > now))


def void(
    tx: Session,
    user_id: int,
    purposes: Iterable[LinkPurpose],
    now: datetime,
    *,
    since: datetime | None = None,
) -> None:
    """Void the user's living tokens of these purposes; with `since`, only those issued from then on."""
    where = [OneTimeToken.user_id == user_id, OneTimeToken.purpose.in_([*purposes])]
    _void(tx, now, *where, *([OneTimeToken.created_at >= since] if since else []))


def void_beyond(tx: Session, limit: int, newest: OneTimeToken, now: datetime) -> None:
    """Void the oldest living tokens of the same user and purpose beyond `limit`, but never the newest.

    Nobody's are left alone: strangers would wait for each other, and take longer the more there are.
    """
    siblings = (
        OneTimeToken.user_id == (newest.user_id or 0),
        OneTimeToken.purpose == newest.purpose,
        OneTimeToken.id != newest.id,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now,
    )
    beyond = select(OneTimeToken.id).where(*siblings)
    beyond = beyond.order_by(OneTimeToken.created_at.desc(), OneTimeToken.id).offset(limit - 1)
    _void(tx, now, OneTimeToken.id.in_(beyond))


def issued_since(tx: Session, address: str, purpose: LinkPurpose, since: datetime) -> int:
    """How many such tokens were issued for this address since then, to whichever accounts."""
    issued = (
        OneTimeToken.email_key == email_key(address),
        OneTimeToken.purpose == purpose,
        OneTimeToken.created_at > since,
    )
    return tx.scalar(select(func.count()).select_from(OneTimeToken).where(*issued)) or 0


def address_is_reserved(tx: Session, address: str, user_id: int | None, now: datetime) -> bool:
    """Whether the address was given up so lately that only its former owner, not `user_id`, may have it."""
    reserved = select(OneTimeToken.id).where(
        OneTimeToken.purpose == LinkPurpose.EMAIL_UNDO,
        OneTimeToken.email_key == email_key(address),
        OneTimeToken.user_id != (user_id or 0),
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now,
    )
    return tx.execute(reserved.limit(1)).first() is not None


def of_user(tx: Session, user_id: int) -> Sequence[OneTimeToken]:
    """All that is kept of a user's links, the newest first."""
    mine = select(OneTimeToken).where(OneTimeToken.user_id == user_id)
    return tx.scalars(mine.order_by(OneTimeToken.created_at.desc(), OneTimeToken.id)).all()


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most so many tokens that were used, or expired, before this moment; how many there were."""
    over = or_(OneTimeToken.used_at < before, OneTimeToken.expires_at < before)
    some = select(OneTimeToken.id).where(over).limit(slice_size)
    deleted = delete(OneTimeToken).where(OneTimeToken.id.in_(some)).returning(OneTimeToken.id)
    return len(tx.execute(deleted).all())


def _void(tx: Session, now: datetime, *where: ColumnElement[bool]) -> int:
    statement = (
        update(OneTimeToken)
        .where(*where, OneTimeToken.used_at.is_(None))
        .values(used_at=now)
        .returning(OneTimeToken.id)
    )
    return len(tx.execute(statement).all())
