"""API tokens: their digests, what they may do, and when they were used."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, CursorResult, Table, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from auth.account_state import Use
from auth.stores import roles
from auth.stores.account_state import clause
from auth.stores.pages import AccountPages
from auth.stores.users import COLUMNS
from models import Account, ApiToken, User
from utils.database.reads import Reads

# The query of each call with a token: built once and on tables, as for sessions.
_TABLE, _USER_TABLE = cast(Table, ApiToken.__table__), cast(Table, User.__table__)
_TOKENS, _USERS = _TABLE.c, _USER_TABLE.c
_OWN = [_TOKENS.id, _TOKENS.permissions, _TOKENS.by_factor, _TOKENS.last_used_at]
_ADMITTED = select(
    *_OWN, roles.permissions_text(_USERS.id), *(_USERS[column.key] for column in COLUMNS)
).where(
    _USERS.id == _TOKENS.user_id,
    _TOKENS.digest == bindparam("digest"),
    _TOKENS.revoked_at.is_(None),
    _TOKENS.expires_at > bindparam("now", type_=_TOKENS.expires_at.type),
    *clause(Use.CALL_WITH_API_TOKEN, table=_USER_TABLE),
)
PAGES = AccountPages(_TABLE, "created_at", "id")


class Admitted(NamedTuple):
    """An admitted token, what its owner holds now, and the owner's account."""

    id: UUID
    permissions: tuple[str, ...]
    by_factor: bool
    last_used_at: datetime | None
    held: tuple[str, ...]  # by the owner's roles
    account: Account


def admitted(reads: Reads, digest: bytes, now: datetime) -> Admitted | None:
    """Return the token of this digest; None if it is unknown, revoked, expired or its owner locked out.

    One statement, without a transaction.
    """
    row = reads.first(_ADMITTED, {"digest": digest, "now": now})
    if row is None:
        return None
    token_id, permissions, by_factor, last_used_at, held, *account = row
    own, owners = roles.split(permissions), roles.split(held)
    return Admitted(token_id, own, by_factor, last_used_at, owners, Account._make(account))


def note_use(tx: Session, token_id: UUID, now: datetime, interval: timedelta) -> None:
    """Record that the token was used now, unless a use within `interval` is recorded.

    Of concurrent callers one writes. A time that is further in the future was written before the clock was
    set back.
    """
    last = ApiToken.last_used_at
    is_due = or_(last.is_(None), last <= now - interval, last >= now + interval)
    tx.execute(update(ApiToken).where(ApiToken.id == token_id, is_due).values(last_used_at=now))


def add(
    tx: Session,
    user_id: int,
    name: str,
    permissions: Collection[str],
    *,
    digest: bytes,
    shown: str,
    by_factor: bool,
    now: datetime,
    expires_at: datetime,
) -> ApiToken:
    """Add a token and return it, not bound to the transaction."""
    values = {
        "id": uuid4(),
        "digest": digest,
        "user_id": user_id,
        "name": name,
        "permissions": ",".join(sorted(set(permissions))),
        "shown": shown,
        "by_factor": by_factor,
        "created_at": now,
        "expires_at": expires_at,
    }
    tx.execute(insert(_TABLE), values)
    return ApiToken(**values)


def of_user(tx: Session, user_id: int, limit: int) -> Sequence[ApiToken]:
    """Return at most `limit` tokens that were not revoked, those that expire last first."""
    mine = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return tx.scalars(mine.order_by(ApiToken.expires_at.desc(), ApiToken.id).limit(limit)).all()


def live_names(tx: Session, user_id: int, now: datetime) -> list[str]:
    """Return the names of the account's live tokens, by name."""
    mine = select(ApiToken.name).where(ApiToken.user_id == user_id, *_is_live(now))
    return list(tx.scalars(mine.order_by(ApiToken.name)))


def by_id(tx: Session, token_id: UUID) -> ApiToken | None:
    """Return a token of any account, live or not."""
    return tx.get(ApiToken, token_id, populate_existing=True)


def revoke(tx: Session, user_id: int, token_id: UUID, now: datetime) -> str | None:
    """Revoke a token of this account, expired or not; return its name, or None if there is none such."""
    revoked = update(ApiToken).where(
        ApiToken.id == token_id, ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)
    )
    return tx.execute(revoked.values(revoked_at=now).returning(ApiToken.name)).scalar()


def revoke_all(tx: Session, user_id: int | None, now: datetime) -> int:
    """Revoke all tokens of one account, or of all accounts; return how many."""
    mine = (ApiToken.user_id == user_id,) if user_id is not None else ()
    revoked = update(ApiToken).where(*mine, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    return cast("CursorResult[Any]", tx.execute(revoked)).rowcount


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` tokens that expired or were revoked before this time; return how many."""
    over = or_(ApiToken.expires_at < before, ApiToken.revoked_at < before)
    some = select(ApiToken.id).where(over).limit(slice_size)
    deleted = delete(ApiToken).where(ApiToken.id.in_(some)).returning(ApiToken.id)
    return len(tx.execute(deleted).all())


def _is_live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
