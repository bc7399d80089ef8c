"""What an account's row says of its second factors: whether it has any, and how often they were tried."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, or_, select, update
from sqlalchemy.orm import Session

from auth.account_state import Use
from auth.stores.account_state import clause
from models import User


def enable(tx: Session, user_id: int, now: datetime) -> None:
    """From now on a password alone opens nothing, if that is not so already."""
    _changed(tx, user_id, User.two_factor_at.is_(None), two_factor_at=now)


def disable(tx: Session, user_id: int) -> None:
    """From now on the password is enough."""
    _changed(tx, user_id, two_factor_at=None, factors_reset_due_at=None)


def schedule_reset(tx: Session, user_id: int, due: datetime) -> bool:
    """Note when all factors are to be forgotten; False if there are none, or it is noted already."""
    is_free = (User.two_factor_at.is_not(None), User.factors_reset_due_at.is_(None))
    return _changed(tx, user_id, *is_free, factors_reset_due_at=due)


def call_off_reset(tx: Session, user_id: int) -> bool:
    """Let the factors stay; False if they were to stay anyway."""
    return _changed(tx, user_id, User.factors_reset_due_at.is_not(None), factors_reset_due_at=None)


def postpone_reset(tx: Session, user_id: int, due: datetime) -> None:
    """Let a reset that waits wait until then."""
    _changed(tx, user_id, User.factors_reset_due_at.is_not(None), factors_reset_due_at=due)


def begin_due_reset(tx: Session, user_id: int, now: datetime) -> bool:
    """Lock an account whose factors are to be forgotten by now; False if that was called off a moment ago."""
    return _changed(tx, user_id, *_is_due(now), factors_reset_due_at=None)


def due_for_reset(tx: Session, now: datetime, limit: int) -> list[int]:
    """Accounts whose factors are to be forgotten by now."""
    due = select(User.id).where(*_is_due(now)).order_by(User.id).limit(limit)
    return [*tx.scalars(due)]


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Not while the account is closed: nobody can be signed in to stop it."""
    return (User.factors_reset_due_at <= now, *clause(Use.APPLY_FACTOR_RESET))


def spend_try(tx: Session, user_id: int, now: datetime, limit: int, window: timedelta) -> bool:
    """Count one more try, of whichever factor and challenge; False if `limit` is used up.

    The first try begins a window. The last one begins another, in which all are refused.
    """
    end = User.factor_tries_end_at
    # A clock that was set back must not lengthen what it was set back in.
    is_over = or_(end.is_(None), end <= now, end > now + window)
    is_last = User.factor_tries + 1 >= limit
    return _changed(
        tx,
        user_id,
        or_(is_over, User.factor_tries < limit),
        factor_tries=case((is_over, 1), else_=User.factor_tries + 1),
        factor_tries_end_at=case((or_(is_over, is_last), now + window), else_=end),
    )


def refund_try(tx: Session, user_id: int) -> None:
    """Take the count of a try back that was right: only wrong ones use the budget up."""
    _changed(tx, user_id, User.factor_tries > 0, factor_tries=User.factor_tries - 1)


def tries(tx: Session, user_id: int) -> tuple[int, datetime | None]:
    """How many tries the present window has had, and when it ends."""
    found = tx.execute(select(User.factor_tries, User.factor_tries_end_at).where(User.id == user_id))
    count, end = found.one()
    return count, end


def _changed(tx: Session, user_id: int, *where: ColumnElement[bool], **values: Any) -> bool:
    changed = update(User).where(User.id == user_id, *where).values(**values).returning(User.id)
    return tx.execute(changed).scalar() is not None
