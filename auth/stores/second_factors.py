"""What an account's row says of its second factors: whether it has any, and how often they were tried."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, or_, select, update
from sqlalchemy.orm import Session

from auth.account_state import Use
from auth.stores.account_state import clause
from models import User


def enable(tx: Session, user_id: int, now: datetime) -> None:
    """Require the second factor from now on, if that is not so already."""
    _changed(tx, user_id, User.two_factor_at.is_(None), two_factor_at=now)


def disable(tx: Session, user_id: int) -> None:
    """Require the password alone from now on."""
    _changed(tx, user_id, two_factor_at=None, factors_reset_due_at=None)


def schedule_reset(tx: Session, user_id: int, due: datetime) -> bool:
    """Schedule the removal of all factors; False if there are none, or it is scheduled already."""
    is_free = (User.two_factor_at.is_not(None), User.factors_reset_due_at.is_(None))
    return _changed(tx, user_id, *is_free, factors_reset_due_at=due)


def call_off_reset(tx: Session, user_id: int) -> bool:
    """Cancel a pending reset; False if none is pending."""
    return _changed(tx, user_id, User.factors_reset_due_at.is_not(None), factors_reset_due_at=None)


def postpone_reset(tx: Session, user_id: int, due: datetime) -> None:
    """Move a pending reset to this time."""
    _changed(tx, user_id, User.factors_reset_due_at.is_not(None), factors_reset_due_at=due)


def begin_due_reset(tx: Session, user_id: int, now: datetime) -> bool:
    """Lock an account whose reset is due; False if it was cancelled meanwhile."""
    return _changed(tx, user_id, *_is_due(now), factors_reset_due_at=None)


def due_for_reset(tx: Session, now: datetime, limit: int) -> list[int]:
    """Return the ids of accounts whose reset is due."""
    due = select(User.id).where(*_is_due(now)).order_by(User.id).limit(limit)
    return [*tx.scalars(due)]


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a due reset. Not while the account is locked: no login could cancel it."""
    return (User.factors_reset_due_at <= now, *clause(Use.APPLY_FACTOR_RESET))


def spend_try(tx: Session, user_id: int, now: datetime, limit: int, window: timedelta) -> bool:
    """Count a try, over all factors and challenges; False if `limit` is used up.

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
    """Take back the count of a right response: only failures use up tries."""
    _changed(tx, user_id, User.factor_tries > 0, factor_tries=User.factor_tries - 1)


def tries(tx: Session, user_id: int) -> tuple[int, datetime | None]:
    """Return the tries in the present window, and its end."""
    found = tx.execute(select(User.factor_tries, User.factor_tries_end_at).where(User.id == user_id))
    count, end = found.one()
    return count, end


def _changed(tx: Session, user_id: int, *where: ColumnElement[bool], **values: Any) -> bool:
    changed = update(User).where(User.id == user_id, *where).values(**values).returning(User.id)
    return tx.execute(changed).scalar() is not None
