"""Many accounts at once: import, export, and hashes of other systems."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from auth.events import Origin
from auth.stores import roles
from models import Role, User, UserRole
from utils.database.engine import dialect_of, for_each_database
from utils.passwords.foreign_hashes import PREFIXES

_USERS = cast(Table, User.__table__)
_ADDED = for_each_database(
    lambda insert: insert(_USERS).on_conflict_do_nothing().returning(_USERS.c.id, _USERS.c.email_key)
)
# Accounts that only hold a name, or are about to be erased, are not exported.
_EXPORTED = (User.email != "", User.deletion_due_at.is_(None))


def _is_of(prefixes: Collection[str]) -> ColumnElement[bool]:
    return or_(*(User.password_hash.startswith(prefix, autoescape=True) for prefix in prefixes))


_FOREIGN = and_(
    User.origin == Origin.IMPORTED,
    _is_of([prefix for prefixes in PREFIXES.values() for prefix in prefixes]),
)


class Existing(NamedTuple):
    """An account that has the address of a line; `is_settled` if its owner is known: see `existing`."""

    id: int
    email_key: str
    is_settled: bool


class Exported(NamedTuple):
    """An account to export. `role_names` is one text, as `roles.split` takes it."""

    id: int
    username: str
    email: str
    email_verified_at: datetime | None
    created_at: datetime
    disabled_at: datetime | None
    password_hash: str | None
    password_blocked_at: datetime | None
    locale: str | None
    signup_locale: str | None
    role_names: str | None


def existing(tx: Session, email_keys: Collection[str]) -> list[Existing]:
    """Return the accounts with these addresses. They are settled if they are confirmed or were imported."""
    settled = or_(User.email_verified_at.is_not(None), func.coalesce(User.origin, "") == Origin.IMPORTED)
    found = select(User.id, User.email_key, settled).where(User.email_key.in_(email_keys))
    return [Existing(*row) for row in tx.execute(found)]


def taken_names(tx: Session, username_keys: Collection[str]) -> set[str]:
    """Return those of these names that an account has."""
    return {*tx.scalars(select(User.username_key).where(User.username_key.in_(username_keys)))}


def add(tx: Session, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Insert accounts; return the new ids by address.

    An account whose name or address is taken, even since a moment ago, is left out: the unique keys decide.
    The rows are in the order of their addresses, so that two callers do not wait for each other.
    """
    if not rows:
        return {}
    ordered = sorted(rows, key=lambda row: str(row["email_key"]))
    return {key: user_id for user_id, key in tx.execute(_ADDED[dialect_of(tx)], ordered)}


def lock_if_replaceable(tx: Session, user_id: int, new_account_roles: Collection[str]) -> bool:
    """Lock an account that registered, was never confirmed, and has no role but these; False if not.

    It is locked as for a deletion, so that a login or refresh is committed before, or waits.
    """
    given = exists().where(
        UserRole.user_id == User.id, UserRole.role_id == Role.id, Role.name.not_in(new_account_roles)
    )
    changed = update(User).where(
        User.id == user_id,
        User.email_verified_at.is_(None),
        or_(User.origin.is_(None), User.origin == Origin.REGISTERED),
        ~given,
    )
    locked = changed.values(password_hash=User.password_hash).returning(User.id)
    if tx.execute(locked).scalar() is None:
        return False
    return tx.scalar(select(User.id).where(User.id == user_id).with_for_update()) is not None


def exported(tx: Session, *, after: int, limit: int) -> list[Exported]:
    """Return some accounts to export, by rising id above `after`."""
    columns: list[Any] = [getattr(User, name) for name in Exported._fields[:-1]]
    columns += [roles.names_text(cast(ColumnElement[int], User.id))]
    found = select(*columns).where(*_EXPORTED, User.id > after).order_by(User.id).limit(limit)
    return [Exported(*row) for row in tx.execute(found)]


def count_exported(tx: Session) -> int:
    """Return how many accounts `exported` returns in all."""
    return tx.scalar(select(func.count()).select_from(User).where(*_EXPORTED)) or 0


def forget_foreign(
    tx: Session, before: datetime, now: datetime, *, after: int, limit: int
) -> tuple[int, int]:
    """Remove hashes of other systems from some accounts that were imported before then, by rising id.

    Returns how many, and the last id that was looked at: 0 if none is left above `after`. A login that
    replaces its hash meanwhile keeps it.
    """
    old = (_FOREIGN, User.kept_at < before)
    some = tx.scalars(select(User.id).where(*old, User.id > after).order_by(User.id).limit(limit)).all()
    changed = update(User).where(*old, User.id.in_(some))
    forgotten = changed.values(password_hash=None, password_changed_at=now, failures=0).returning(User.id)
    return len(tx.scalars(forgotten).all()) if some else 0, some[-1] if some else 0


def foreign_by_kind(tx: Session) -> dict[str, int]:
    """Return how many accounts have a hash of each kind of other systems."""
    kind = case(*((_is_of(prefixes), each.value) for each, prefixes in PREFIXES.items()))
    found = select(kind, func.count()).where(_FOREIGN).group_by(kind)
    return {row[0]: row[1] for row in tx.execute(found)}
