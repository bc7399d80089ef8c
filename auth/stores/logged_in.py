"""Accounts with a live session: a page of them, and their number within a bound."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Select, Table, bindparam, distinct, func, select
from sqlalchemy.orm import Session

from models import User, UserSession
from utils.database.reads import Reads

MAX_COUNTED = 100_000  # sessions that `count` looks at

_SESSIONS = cast(Table, UserSession.__table__).c
_NOW = bindparam("now", type_=_SESSIONS.absolute_end.type)


def counting(limit: int) -> Select[int]:
    """Return the statement of `count`, which reads at most `limit` sessions, by the index of their end."""
    newest = (
        select(_SESSIONS.user_id, _SESSIONS.ended_at, _SESSIONS.idle_end)
        .where(_SESSIONS.absolute_end > _NOW)
        .order_by(_SESSIONS.absolute_end.desc())
        .limit(limit)
        .subquery()
    )
    living = (newest.c.ended_at.is_(None), newest.c.idle_end > _NOW)
    return select(func.count(distinct(newest.c.user_id))).where(*living)


_COUNTED = counting(MAX_COUNTED)


class LoggedIn(NamedTuple):
    """An account with live sessions."""

    id: int
    username: str
    email: str
    sessions: int
    last_used_at: datetime  # the last login or refresh of one of them


def count(reads: Reads, now: datetime) -> int:
    """Return how many accounts have a live session.

    Of more than `MAX_COUNTED` sessions, those count whose absolute end is the latest.
    """
    row = reads.first(_COUNTED, {"now": now})
    return int(row[0]) if row else 0


def page(tx: Session, now: datetime, *, after: int, limit: int) -> Sequence[LoggedIn]:
    """Return accounts with a live session by rising id, above `after`."""
    living = (
        select(
            _SESSIONS.user_id,
            func.count().label("sessions"),
            func.max(_SESSIONS.last_used_at).label("last_used_at"),
        )
        .where(
            _SESSIONS.user_id > after,
            _SESSIONS.ended_at.is_(None),
            _SESSIONS.idle_end > now,
            _SESSIONS.absolute_end > now,
        )
        .group_by(_SESSIONS.user_id)
        .order_by(_SESSIONS.user_id)
        .limit(limit)
        .subquery()
    )
    named = select(User.id, User.username, User.email, living.c.sessions, living.c.last_used_at)
    found = tx.execute(named.join(living, living.c.user_id == User.id).order_by(User.id))
    return [LoggedIn._make(row) for row in found]
