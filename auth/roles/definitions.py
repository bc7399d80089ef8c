"""Defining roles: their permissions and descriptions."""

from collections.abc import Collection

from auth.account_state import Use
from auth.errors import (
    BuiltInRole,
    PermissionInvalid,
    RoleInUse,
    RoleNameInvalid,
    RoleNotFound,
    TooManyPermissions,
    TooManyRoles,
)
from auth.events import Event
from auth.permissions import BUILT_IN, AuthPermission, is_role_name
from auth.roles import authority, grants, holders
from auth.roles.actors import Actor, Operator, record
from auth.stores import roles
from auth.stores.roles import RoleState
from utils.permissions import is_of_service, is_permission
from utils.services import Services

MAX_PERMISSIONS = 100  # of a role
MAX_ROLES = 1000


def define(
    services: Services,
    actor: Actor,
    name: str,
    *,
    allow: Collection[str] = (),
    deny: Collection[str] = (),
    description: str | None = None,
) -> RoleState:
    """Create a role, or change one: put permissions in, take permissions out, describe it; return it.

    Raises `RoleNameInvalid`, `PermissionInvalid`, `BuiltInRole`, `TooManyRoles`, `TooManyPermissions`, as
    `authority.check` does, or, for what it gives to the accounts that have the role, as `holders.check` does.
    """
    _check_names(services, name, allow, deny)
    tx, now = services.tx(), services.clock.now()
    if any(map(is_of_service, [*allow, *deny])):
        grants.limit_changes(services, actor)
    roles.lock_administration(tx)
    held = authority.check(services, actor, AuthPermission.ROLES)
    if roles.by_name(tx, name) is None:
        if roles.count(tx) >= MAX_ROLES:
            raise TooManyRoles
        roles.add(tx, name, "", now)
    role = _named(services, name)
    # Taking a permission from a role takes it from its accounts.
    authority.check_permissions(held, role.permissions | frozenset(allow))
    change = holders.Change(role, frozenset(allow) - role.permissions, frozenset(deny) & role.permissions)
    affected = holders.check(services, actor, held, change)
    roles.allow(tx, role.id, allow)
    roles.deny(tx, role.id, deny)
    if description is not None:
        roles.describe(tx, role.id, description)
    changed = _named(services, name)
    if len(changed.permissions) > MAX_PERMISSIONS:
        raise TooManyPermissions
    record(services, Event.ROLE_DEFINED, actor, detail=name)
    holders.notify(services, actor, change, affected)
    tx.commit()
    return changed


def delete(services: Services, actor: Actor, name: str) -> None:
    """Delete a role that no account has. Raises `RoleInUse`, `RoleNotFound` or `BuiltInRole`."""
    if name in BUILT_IN:
        raise BuiltInRole
    roles.lock_administration(services.tx())
    held = authority.check(services, actor, AuthPermission.ROLES)
    role = _named(services, name)
    authority.check_permissions(held, role.permissions)
    if not roles.remove(services.tx(), role.id):
        raise RoleInUse(role.accounts)
    record(services, Event.ROLE_DELETED, actor, detail=name)
    services.tx().commit()


def every(services: Services, operator: Operator) -> list[RoleState]:
    """Return all roles by name."""
    found = roles.every(services.tx())
    record(services, Event.ROLES_LISTED, operator, count=len(found))
    services.tx().commit()
    return found


def has_administrator(services: Services) -> bool:
    """Return whether an account with the role `admin` can log in: it is not closed or locked out."""
    return bool(roles.administrators(services.tx(), 1, Use.LOG_IN))


def _named(services: Services, name: str) -> RoleState:
    role = roles.by_name(services.tx(), name)
    if role is None:
        raise RoleNotFound
    return role


def _check_names(services: Services, name: str, allow: Collection[str], deny: Collection[str]) -> None:
    if not is_role_name(name):
        raise RoleNameInvalid
    if not all(map(_is_assignable, [*allow, *deny])):
        raise PermissionInvalid
    if set(allow) & set(deny):
        raise PermissionInvalid("The same permission is both allowed and denied.")
    if name in BUILT_IN:
        raise BuiltInRole
    if name in services.settings.new_account_roles and any(map(is_of_service, allow)):
        raise PermissionInvalid("New accounts get this role: it cannot have permissions of this service.")


def _is_assignable(permission: str) -> bool:
    is_known = permission in set(AuthPermission) or not is_of_service(permission)
    return is_permission(permission) and is_known
