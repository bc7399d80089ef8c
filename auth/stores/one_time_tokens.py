"""One-time tokens: the rows behind mailed links."""

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Table, select, true
from sqlalchemy.orm import Session

from auth.events import LinkPurpose
from auth.stores import single_use
from auth.stores.pages import AccountPages
from models import OneTimeToken
from utils.identifiers import email_key

PAGES = AccountPages(cast(Table, OneTimeToken.__table__), "created_at", "id")


def issue(
    tx: Session,
    user_id: int | None,
    purpose: LinkPurpose,
    email: str,
    now: datetime,
    expires_at: datetime,
    *,
    address_proven: bool,
) -> OneTimeToken:
    """Issue a token for this user and address; without a user it opens nothing.

    `address_proven` tells whether the user has confirmed the address.
    """
    issued = OneTimeToken(
        id=uuid4(),
        purpose=purpose,
        user_id=user_id,
        email=email if user_id else "",
        email_key=(email_key(email) or "") if user_id else "",
        address_proven=address_proven,
        nonce=secrets.token_bytes(16),
        created_at=now,
        expires_at=expires_at,
    )
    tx.add(issued)
    tx.flush()
    return issued


def by_id(tx: Session, token_id: UUID) -> OneTimeToken | None:
    """Return the token as it stands now, used or not."""
    return single_use.by_id(tx, OneTimeToken, token_id)


def use(tx: Session, token_id: UUID, now: datetime) -> bool:
    """Use the token; False if it is used or expired, even since a moment ago."""
    return single_use.use(tx, OneTimeToken, token_id, now)


def void(
    tx: Session,
    user_id: int,
    purposes: Iterable[LinkPurpose],
    now: datetime,
    *,
    since: datetime | None = None,
) -> None:
    """Void the user's active tokens of these purposes; with `since`, only those issued from then on."""
    where = [OneTimeToken.user_id == user_id, OneTimeToken.purpose.in_([*purposes])]
    single_use.void(tx, OneTimeToken, now, *where, *([OneTimeToken.created_at >= since] if since else []))


def void_beyond(tx: Session, limit: int, newest: OneTimeToken, now: datetime) -> None:
    """Void the oldest active tokens of the same user and purpose beyond `limit`, but never the newest."""
    single_use.void_beyond(tx, limit, newest, now)


def address_is_reserved(tx: Session, address: str, user_id: int | None, now: datetime) -> bool:
    """Whether another account than `user_id`, which may take it back, gave this address up lately.

    An address that it never confirmed is not reserved.
    """
    reserved = select(OneTimeToken.id).where(
        *_reserving(now),
        OneTimeToken.email_key == email_key(address),
        OneTimeToken.user_id != (user_id or 0),
    )
    return tx.execute(reserved.limit(1)).first() is not None


def reserved_among(tx: Session, email_keys: Collection[str], now: datetime) -> set[str]:
    """Return those of these addresses that an account gave up lately, and may take back."""
    reserved = select(OneTimeToken.email_key).where(*_reserving(now), OneTimeToken.email_key.in_(email_keys))
    return {*tx.scalars(reserved)}


def _reserving(now: datetime) -> list[ColumnElement[bool]]:
    return [
        OneTimeToken.purpose == LinkPurpose.EMAIL_UNDO,
        OneTimeToken.address_proven == true(),
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now,
    ]


def void_unproven_undos(tx: Session, address: str, user_id: int, now: datetime) -> None:
    """Void the undo links of accounts that gave this address up unconfirmed, as `user_id` has proven it.

    Links that another transaction holds are left alone: it uses or voids them, and may wait for this one.
    """
    others = select(OneTimeToken.id).where(
        OneTimeToken.purpose == LinkPurpose.EMAIL_UNDO,
        OneTimeToken.email_key == email_key(address),
        OneTimeToken.address_proven.is_(False),
        OneTimeToken.user_id != user_id,
        OneTimeToken.used_at.is_(None),
    )
    free = others.with_for_update(skip_locked=True)
    single_use.void(tx, OneTimeToken, now, OneTimeToken.id.in_(free))


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` tokens that were used, or expired, before this time; return how many."""
    return single_use.prune(tx, OneTimeToken, before, slice_size)
