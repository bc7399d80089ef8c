"""Sessions: one row for each, and the conditional statements that end or rotate it."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from auth.account_state import Use
from auth.events import EndReason
from auth.stores import roles
from auth.stores.account_expiry import UNDECIDED
from auth.stores.account_state import clause
from auth.stores.pages import AccountPages
from auth.stores.users import COLUMNS
from models import Account, SessionState, User, UserSession
from utils.client_info import ClientInfo
from utils.database.reads import Reads

# The query of every request: built once and on tables, as the ORM takes longer than the database.
_TABLE = cast(Table, UserSession.__table__)
_USER_TABLE = cast(Table, User.__table__)
_SESSIONS, _USERS = _TABLE.c, _USER_TABLE.c
_STATE = [_SESSIONS[name] for name in SessionState._fields]
_ACCOUNT = [_USERS[column.key] for column in COLUMNS]
# The statement of an authenticated request: the active session of a user who is not disabled.
_ADMITTED = select(_SESSIONS.auth_time, *_ACCOUNT).where(
    _USERS.id == _SESSIONS.user_id,
    _SESSIONS.id == bindparam("id"),
    _SESSIONS.user_id == bindparam("user_id"),
    _SESSIONS.ended_at.is_(None),
    _SESSIONS.idle_end > bindparam("now", type_=_SESSIONS.idle_end.type),
    _SESSIONS.absolute_end > bindparam("now", type_=_SESSIONS.idle_end.type),
    *clause(Use.CALL_WITH_SESSION, table=_USER_TABLE),
)
# The same with what the account may do. A view without permissions does not pay for it.
_ADMITTED_WITH_PERMISSIONS = _ADMITTED.add_columns(_SESSIONS.factor_at, roles.permissions_text(_USERS.id))
_ADMITTED_WITH_ROLES = _ADMITTED_WITH_PERMISSIONS.add_columns(roles.names_text(_USERS.id))
_FOUND = select(*_STATE, *_ACCOUNT).where(_USERS.id == _SESSIONS.user_id, _SESSIONS.id == bindparam("id"))
_WITH_ACCOUNT = _FOUND.with_for_update(read=True, key_share=True, of=_USER_TABLE)
_AFTER_ACCOUNT = 1 + len(_ACCOUNT)
_ROTATED = (
    update(_TABLE)
    .where(
        _SESSIONS.id == bindparam("of_id"),
        _SESSIONS.generation == bindparam("of_generation"),
        _SESSIONS.ended_at.is_(None),
    )
    .values(
        generation=_SESSIONS.generation + 1,
        rotated_at=bindparam("now"),
        last_used_at=bindparam("now"),
        idle_end=bindparam("until"),
        ip_address=bindparam("address"),
        user_agent=bindparam("agent"),
    )
    .returning(*_STATE)
)
PAGES = AccountPages(_TABLE, "created_at", "id")


def admitted(reads: Reads, session_id: UUID, user_id: int, now: datetime) -> tuple[datetime, Account] | None:
    """Return when this session logged in, and its account; None if it has ended or may not be used."""
    return _admitted(reads.first(_ADMITTED, {"id": session_id, "user_id": user_id, "now": now}))


class Admitted(NamedTuple):
    """An admitted session and what its account holds."""

    auth_time: datetime
    account: Account
    factor_at: datetime | None  # when a second factor was last proven in this session
    permissions: tuple[str, ...]
    roles: tuple[str, ...]  # read only if asked for


def admitted_with_permissions(
    reads: Reads, session_id: UUID, user_id: int, now: datetime, *, with_roles: bool
) -> Admitted | None:
    """Return as `admitted`, with the permissions of the account as they stand now. One statement."""
    statement = _ADMITTED_WITH_ROLES if with_roles else _ADMITTED_WITH_PERMISSIONS
    row = reads.first(statement, {"id": session_id, "user_id": user_id, "now": now})
    if row is None:
        return None
    factor_at, permissions, *names = row[_AFTER_ACCOUNT:]
    account = Account._make(row[1:_AFTER_ACCOUNT])
    return Admitted(row[0], account, factor_at, roles.split(permissions), roles.split(*names or [None]))


def still_admitted(
    tx: Session, session_id: UUID, user_id: int, now: datetime
) -> tuple[datetime, Account] | None:
    """As `admitted`, within the transaction of a change, after the account was locked."""
    return _admitted(tx.execute(_ADMITTED, {"id": session_id, "user_id": user_id, "now": now}).first())


def _admitted(row: Sequence[Any] | None) -> tuple[datetime, Account] | None:
    return (row[0], Account._make(row[1:])) if row else None


def start(
    tx: Session,
    *,
    user_id: int,
    remembered: bool,
    amr: str,
    now: datetime,
    idle_end: datetime,
    absolute_end: datetime,
    client: ClientInfo,
    by_factor: bool = False,
    auth_time: datetime | None = None,
) -> SessionState:
    """Start a session, with a secret of its own. `auth_time` is now if it is None."""
    started = SessionState(
        id=uuid4(),
        user_id=user_id,
        secret=secrets.token_bytes(32),
        generation=0,
        remembered=remembered,
        rotated_at=None,
        idle_end=idle_end,
        absolute_end=absolute_end,
        ended_at=None,
        auth_time=auth_time or now,
    )
    facts = {"amr": amr, "created_at": now, "last_used_at": now}
    facts["factor_at"] = now if by_factor else None
    seen = {"ip_address": client.address, "user_agent": client.user_agent}
    tx.execute(insert(_TABLE), started._asdict() | facts | seen)
    return started


def found(reads: Reads, session_id: UUID) -> tuple[SessionState, Account] | None:
    """Return a session, ended or not, and its account, as they stand now. One statement, no transaction."""
    return _pair(reads.first(_FOUND, {"id": session_id}))


def with_account(tx: Session, session_id: UUID) -> tuple[SessionState, Account] | None:
    """Return a session, ended or not, and its account, locked against erasure."""
    return _pair(tx.execute(_WITH_ACCOUNT, {"id": session_id}).first())


def _pair(row: Sequence[Any] | None) -> tuple[SessionState, Account] | None:
    if row is None:
        return None
    return SessionState._make(row[: len(_STATE)]), Account._make(row[len(_STATE) :])


def rotate(
    tx: Session | Reads, current: SessionState, now: datetime, idle_end: datetime, client: ClientInfo
) -> SessionState | None:
    """Return the session one generation on, or None if another call rotated or ended it first.

    With `Reads` the statement is a transaction of its own.
    """
    values = {
        "of_id": current.id,
        "of_generation": current.generation,
        "now": now,
        "until": idle_end,
        "address": client.address,
        "agent": client.user_agent,
    }
    row = tx.change(_ROTATED, values) if isinstance(tx, Reads) else tx.execute(_ROTATED, values).one_or_none()
    return SessionState._make(row) if row else None


def factor_at(tx: Session, session_id: UUID) -> datetime | None:
    """Return when a second factor was last proven in this session."""
    return tx.scalar(select(UserSession.factor_at).where(UserSession.id == session_id))


def began(
    tx: Session, session_id: UUID, user_id: int, now: datetime, *, in_force_at: datetime
) -> datetime | None:
    """Return when this session of the account began, if it is living or ended at `in_force_at` or later.

    Of the ended ones only those count that a change of factors, "this wasn't me" or an undone change of
    address ended.
    """
    reasons = (EndReason.FACTORS_CHANGED, EndReason.DISOWNED, EndReason.EMAIL_CHANGE_UNDONE)
    ended_later = and_(UserSession.end_reason.in_(reasons), UserSession.ended_at >= in_force_at)
    counts = or_(and_(*_is_living(now)), ended_later)
    mine = (UserSession.id == session_id, UserSession.user_id == user_id)
    return tx.scalar(select(UserSession.created_at).where(*mine, counts))


def note_factor(tx: Session, session_id: UUID, now: datetime) -> None:
    """Record that a second factor was proven in this session now."""
    noted = update(UserSession).where(UserSession.id == session_id).values(factor_at=now)
    tx.execute(noted)


def renew_auth_time(
    tx: Session, session_id: UUID, user_id: int, now: datetime, *, by_factor: bool = False
) -> bool:
    """Record that the session re-authenticated now; False if it has ended."""
    renewed = (
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id, *_is_living(now))
        .values(auth_time=now, failures=0, **({"factor_at": now} if by_factor else {}))
        .returning(UserSession.id)
    )
    return tx.execute(renewed).one_or_none() is not None


def count_failure(tx: Session, session_id: UUID) -> int:
    """Count a wrong password from this session; return how many there are in a row."""
    counted = (
        update(UserSession).where(UserSession.id == session_id).values(failures=UserSession.failures + 1)
    )
    returned = counted.returning(UserSession.failures)
    return tx.execute(returned).scalar() or 0


def active(tx: Session, user_id: int, now: datetime) -> Sequence[UserSession]:
    """Return the user's live sessions, the latest used first."""
    return tx.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, *_is_living(now))
        .order_by(UserSession.last_used_at.desc(), UserSession.id)
    ).all()


class Ended(NamedTuple):
    """Sessions that a statement ended: how many were live, and the ids of all, expired ones too."""

    live: int
    ids: list[UUID]


def end(tx: Session, session_id: UUID, user_id: int, reason: EndReason, now: datetime) -> Ended:
    """End one session of this user. Called by `auth.sessions.ending` alone, as all that end sessions."""
    where = (UserSession.id == session_id, UserSession.user_id == user_id)
    return _end(tx, reason, now, *where)


def end_others(tx: Session, keep: UUID, user_id: int, reason: EndReason, now: datetime) -> Ended:
    """End all of the user's sessions but one."""
    where = (UserSession.id != keep, UserSession.user_id == user_id)
    return _end(tx, reason, now, *where)


def end_all(tx: Session, user_id: int | None, reason: EndReason, now: datetime) -> Ended:
    """End all sessions of one user, or of all users."""
    return _end(tx, reason, now, *([UserSession.user_id == user_id] if user_id is not None else []))


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` sessions that ended or expired before this time; return how many.

    Those of accounts that may still expire unconfirmed stay: they show whether the account was used.
    """
    needed = exists().where(User.id == UserSession.user_id, *UNDECIDED)
    over = or_(
        UserSession.ended_at < before, UserSession.idle_end < before, UserSession.absolute_end < before
    )
    some = select(UserSession.id).where(over, ~needed).limit(slice_size)
    deleted = delete(UserSession).where(UserSession.id.in_(some)).returning(UserSession.id)
    return len(tx.execute(deleted).all())


def end_oldest_beyond(
    tx: Session, limit: int, newest: SessionState, reason: EndReason, now: datetime
) -> Ended:
    """End the least recently used sessions of a user beyond `limit` live ones, but never the newest.

    The newest is named, because two times may be equal and the clocks of two machines differ.
    """
    others = (UserSession.user_id == newest.user_id, UserSession.id != newest.id)
    beyond = (
        select(UserSession.id)
        .where(*others, *_is_living(now))
        .order_by(UserSession.last_used_at.desc(), UserSession.created_at.desc(), UserSession.id)
        .offset(limit - 1)
    )
    return _end(tx, reason, now, UserSession.id.in_(beyond))


def _is_living(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return UserSession.ended_at.is_(None), UserSession.idle_end > now, UserSession.absolute_end > now


def _end(tx: Session, reason: EndReason, now: datetime, *where: Any) -> Ended:
    """End these sessions.

    Expired sessions are ended as well: a clock that is set back must not revive them.
    """
    ended = tx.execute(
        update(UserSession)
        .where(*where, UserSession.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason)
        .returning(UserSession.id, UserSession.idle_end, UserSession.absolute_end)
    ).all()
    live = sum(min(idle_end, absolute_end) > now for _, idle_end, absolute_end in ended)
    return Ended(live, [session_id for session_id, *_ in ended])
