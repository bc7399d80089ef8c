"""Accounts that end: at their owner's request, or because their address was never confirmed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from auth.events import Origin
from auth.stores.users import COLUMNS
from models import Account, User, UserSession

# Registered accounts whose address was never confirmed, until it is decided whether they stay.
UNDECIDED = (
    User.email_verified_at.is_(None),
    User.kept_at.is_(None),
    User.origin.is_not(None),  # as in the index
    User.origin == Origin.REGISTERED,
)

_STAYING = (Origin.OPERATOR, Origin.IMPORTED)
# Accounts that may be erased for being unconfirmed, where addresses must be confirmed.
_MAY_EXPIRE = (User.kept_at.is_(None), func.coalesce(User.origin, "").not_in(_STAYING))


class Expiry(NamedTuple):
    """What is due now: deletions, and accounts that registered before `unconfirmed_before`.

    Of these, the ones that only hold a name, and with `confirming` all that are unconfirmed. An account stays
    that an operator made or imported, that was given a role, or that was found to stay before.
    """

    now: datetime
    unconfirmed_before: datetime
    confirming: bool

    @property
    def clause(self) -> ColumnElement[bool]:
        unconfirmed = and_(User.email_verified_at.is_(None), User.created_at < self.unconfirmed_before)
        held = or_(User.email == "", and_(*_MAY_EXPIRE)) if self.confirming else User.email == ""
        return or_(User.deletion_due_at <= self.now, and_(unconfirmed, held))


def due(tx: Session, expiry: Expiry, *, after: int, limit: int) -> list[Account]:
    """Return accounts that are due for erasure, by rising id above `after`."""
    found = select(*COLUMNS).where(expiry.clause, User.id > after).order_by(User.id).limit(limit)
    return [Account(*row) for row in tx.execute(found)]


def may_expire(tx: Session, user_id: int) -> bool:
    """Return whether this account may be erased for being unconfirmed, where addresses must be confirmed."""
    return tx.scalar(select(User.id).where(User.id == user_id, *_MAY_EXPIRE)) is not None


def lock_if_due(tx: Session, user_id: int, expiry: Expiry) -> bool:
    """Lock an account that is due for erasure; False if it was restored or confirmed meanwhile."""
    return _changed(tx, user_id, expiry.clause, password_hash=User.password_hash)


def undecided(tx: Session, before: datetime, *, after: int = 0, limit: int) -> list[Account]:
    """Return unconfirmed accounts that registered before this time and may not stay, by rising id."""
    found = select(*COLUMNS).where(*UNDECIDED, User.created_at < before, User.id > after)
    return [Account(*row) for row in tx.execute(found.order_by(User.id).limit(limit))]


def lock_if_undecided(tx: Session, user_id: int) -> bool:
    """Lock an account that is still unconfirmed and may not stay; False if not.

    It is locked as for a deletion, so that a login or refresh is committed before, or waits.
    """
    if not _changed(tx, user_id, *UNDECIDED, password_hash=User.password_hash):
        return False
    return tx.scalar(select(User.id).where(User.id == user_id).with_for_update()) is not None


def is_undecided(tx: Session, user_id: int) -> bool:
    """Whether the account is unconfirmed and may not stay."""
    return tx.scalar(select(User.id).where(*UNDECIDED, User.id == user_id)) is not None


def keep(tx: Session, user_id: int, now: datetime) -> None:
    """Note that the account stays, confirmed or not."""
    _changed(tx, user_id, User.kept_at.is_(None), kept_at=now)


def used_after(tx: Session, accounts: Sequence[Account], first: timedelta) -> set[int]:
    """Return which of these accounts had a session that was used after their `first` hours."""
    ends = {account.id: account.created_at + first for account in accounts}
    mine = select(UserSession.user_id, UserSession.last_used_at).where(UserSession.user_id.in_(ends))
    return {user_id for user_id, used_at in tx.execute(mine) if used_at > ends[user_id]}


def _changed(tx: Session, user_id: int, *where: ColumnElement[bool], **values: Any) -> bool:
    changed = update(User).where(User.id == user_id, *where).values(**values).returning(User.id)
    return tx.execute(changed).scalar() is not None
