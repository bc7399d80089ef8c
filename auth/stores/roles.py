"""Roles, their permissions, and the grants of accounts."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from auth.account_state import Use
from auth.permissions import ADMIN, BUILT_IN
from auth.stores.account_state import clause
from models import Role, RolePermission, User, UserRole
from utils.database.engine import insert_into
from utils.permissions import SERVICE_PREFIX

_ROLES, _PERMISSIONS, _GRANTS = (cast(Table, each.__table__) for each in (Role, RolePermission, UserRole))
_HELD = _GRANTS.c.role_id == _PERMISSIONS.c.role_id


class RoleState(NamedTuple):
    """A role as it stands."""

    id: int
    name: str
    description: str
    permissions: frozenset[str]
    accounts: int  # how many have it


def permissions_text(user_id: ColumnElement[int]) -> ScalarSelect[str]:
    """Return the permissions of an account as one text, separated by commas: a column of a statement."""
    held = select(func.aggregate_strings(_PERMISSIONS.c.permission, ","))
    return held.where(_HELD, _GRANTS.c.user_id == user_id).scalar_subquery()


def names_text(user_id: ColumnElement[int]) -> ScalarSelect[str]:
    """Return the names of the roles of an account in the same way."""
    held = select(func.aggregate_strings(_ROLES.c.name, ","))
    return held.where(_ROLES.c.id == _GRANTS.c.role_id, _GRANTS.c.user_id == user_id).scalar_subquery()


def application_names_text(user_id: ColumnElement[int]) -> ScalarSelect[str]:
    """Return the names of those roles that hold no permission of this service, in the same way."""
    of_service = exists().where(
        _PERMISSIONS.c.role_id == _ROLES.c.id, _PERMISSIONS.c.permission.startswith(SERVICE_PREFIX)
    )
    held = select(func.aggregate_strings(_ROLES.c.name, ","))
    mine = (_ROLES.c.id == _GRANTS.c.role_id, _GRANTS.c.user_id == user_id)
    return held.where(*mine, ~of_service).scalar_subquery()


_OF_USER = select(permissions_text(bindparam("of_user")), names_text(bindparam("of_user")))


@lru_cache(maxsize=512)  # of the text, which is read for every call: what it says is never remembered
def split(text: str | None) -> tuple[str, ...]:
    """Return the sorted entries of a text of this module; none for NULL."""
    return tuple(sorted(set(text.split(",")))) if text else ()


def of_user(tx: Session, user_id: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the permissions of an account, and the names of its roles."""
    permissions, names = tx.execute(_OF_USER, {"of_user": user_id}).one()
    return split(permissions), split(names)


def grants_of(tx: Session, user_id: int) -> Sequence[Row[str, datetime]]:
    """Return the name of each role of an account, and since when it has it."""
    mine = select(Role.name, UserRole.granted_at).join(UserRole, UserRole.role_id == Role.id)
    return tx.execute(mine.where(UserRole.user_id == user_id).order_by(Role.name)).all()


def known(tx: Session, permissions: Collection[str]) -> set[str]:
    """Return those of these permissions that a role holds."""
    held = select(RolePermission.permission).where(RolePermission.permission.in_(permissions)).distinct()
    return set(tx.scalars(held))


def every(tx: Session) -> list[RoleState]:
    """Return all roles by name, with the number of their accounts."""
    counts = select(func.count()).where(UserRole.role_id == Role.id).scalar_subquery()
    held = select(func.aggregate_strings(RolePermission.permission, ",")).where(
        RolePermission.role_id == Role.id
    )
    found = select(Role.id, Role.name, Role.description, held.scalar_subquery(), counts).order_by(Role.name)
    return [_state(row) for row in tx.execute(found)]


def by_name(tx: Session, name: str) -> RoleState | None:
    """Return a role, or None."""
    role = tx.execute(select(Role.id, Role.name, Role.description).where(Role.name == name)).one_or_none()
    if role is None:
        return None
    held = tx.scalars(select(RolePermission.permission).where(RolePermission.role_id == role.id)).all()
    accounts = tx.scalar(select(func.count()).select_from(UserRole).where(UserRole.role_id == role.id))
    return RoleState(*role, permissions=frozenset(held), accounts=accounts or 0)


def remove_built_in(connection: Connection) -> None:
    """Delete the built-in roles of a database in which no account has a role."""
    given = exists(select(UserRole.role_id))
    connection.execute(delete(Role).where(Role.name.in_(BUILT_IN), ~given))


def count(tx: Session) -> int:
    """Return the number of roles."""
    return tx.scalar(select(func.count()).select_from(Role)) or 0


def lock_administration(tx: Session) -> None:
    """Lock all changes of roles against each other until the end of the transaction.

    Two that take each other's role delete different rows, so that no condition of a statement sees the other.
    All of them lock the row of the role `admin` first, before any account.
    """
    tx.execute(update(Role).where(Role.name == ADMIN).values(description=Role.description))


def add(tx: Session, name: str, description: str, now: datetime) -> bool:
    """Add a role without permissions; False if the name is taken."""
    added = insert_into(tx, Role).values(name=name, description=description, created_at=now)
    return tx.execute(added.on_conflict_do_nothing().returning(Role.id)).scalar() is not None


def describe(tx: Session, role_id: int, description: str) -> None:
    """Change the description of a role."""
    tx.execute(update(Role).where(Role.id == role_id).values(description=description))


def allow(tx: Session, role_id: int, permissions: Iterable[str]) -> None:
    """Put permissions into a role."""
    rows = [{"role_id": role_id, "permission": each} for each in permissions]
    if rows:
        tx.execute(insert_into(tx, RolePermission).on_conflict_do_nothing(), rows)


def deny(tx: Session, role_id: int, permissions: Collection[str]) -> None:
    """Take permissions out of a role."""
    tx.execute(
        delete(RolePermission).where(
            RolePermission.role_id == role_id, RolePermission.permission.in_(permissions)
        )
    )


def remove(tx: Session, role_id: int) -> bool:
    """Delete a role that no account has; False if one has it."""
    given = exists().where(UserRole.role_id == role_id)
    removed = delete(Role).where(Role.id == role_id, ~given).returning(Role.id)
    return tx.execute(removed).scalar() is not None


def grant(tx: Session, user_id: int, role_id: int, now: datetime, granted_by: int | None) -> bool:
    """Give a role to an account; False if it has it."""
    given = insert_into(tx, UserRole).values(
        user_id=user_id, role_id=role_id, granted_at=now, granted_by=granted_by
    )
    return tx.execute(given.on_conflict_do_nothing().returning(UserRole.user_id)).scalar() is not None


def grant_application_roles(tx: Session, user_id: int, names: Sequence[str], now: datetime) -> None:
    """Give those of the named roles that exist and hold no permission of this service. One statement."""
    if not names:
        return
    of_service = exists().where(
        RolePermission.role_id == Role.id, RolePermission.permission.startswith(SERVICE_PREFIX)
    )
    wanted = select(literal(user_id), Role.id, literal(now, UserRole.granted_at.type)).where(
        Role.name.in_(names), ~of_service
    )
    tx.execute(insert(UserRole).from_select(["user_id", "role_id", "granted_at"], wanted))


def with_service_permission(tx: Session, names: Collection[str]) -> dict[str, tuple[int, bool]]:
    """Return the ids of the named roles that exist, and whether each has a permission of this service."""
    of_service = exists().where(
        RolePermission.role_id == Role.id, RolePermission.permission.startswith(SERVICE_PREFIX)
    )
    found = tx.execute(select(Role.name, Role.id, of_service).where(Role.name.in_(names)))
    return {name: (role_id, bool(has)) for name, role_id, has in found}


def grant_many(tx: Session, grants: Iterable[tuple[int, int]], now: datetime) -> None:
    """Give roles to new accounts: pairs of the ids of an account and a role."""
    rows = [{"user_id": user, "role_id": role, "granted_at": now} for user, role in grants]
    if rows:
        tx.execute(insert_into(tx, UserRole).on_conflict_do_nothing(), rows)


def revoke(tx: Session, user_id: int, role_id: int) -> bool:
    """Take a role from an account; False if it does not have it."""
    taken = delete(UserRole).where(UserRole.user_id == user_id, UserRole.role_id == role_id)
    return tx.execute(taken.returning(UserRole.role_id)).scalar() is not None


def holders(tx: Session, role_id: int, limit: int) -> Sequence[int]:
    """Return the ids of at most `limit` accounts with a role, closed ones too."""
    found = select(UserRole.user_id).where(UserRole.role_id == role_id)
    return tx.scalars(found.order_by(UserRole.user_id).limit(limit)).all()


def administrators(tx: Session, limit: int, use: Use = Use.ADMINISTER) -> Sequence[int]:
    """Return the ids of at most `limit` accounts with the role `admin` that are open to this use."""
    found = (
        select(UserRole.user_id)
        .join(Role, and_(Role.id == UserRole.role_id, Role.name == ADMIN))
        .join(User, User.id == UserRole.user_id)
        .where(*clause(use))
        .order_by(UserRole.user_id)
        .limit(limit)
    )
    return tx.scalars(found).all()


def count_administrators(tx: Session) -> tuple[int, int]:
    """Return how many open accounts have the role `admin`, and how many of them have no second factor."""
    mine = (UserRole.role_id == Role.id, Role.name == ADMIN, User.id == UserRole.user_id)
    counts = select(func.count(), func.count().filter(User.two_factor_at.is_(None)))
    row = tx.execute(counts.select_from(UserRole).where(*mine, *clause(Use.ADMINISTER))).one()
    return row[0], row[1]


def _state(row: Any) -> RoleState:
    return RoleState(row[0], row[1], row[2], frozenset(split(row[3])), row[4])
