"""Giving roles to accounts, and taking them away."""

from collections.abc import Sequence

from auth.errors import RoleNotFound, TooManyRoles, UserNotFound
from auth.events import Event
from auth.mailing import links
from auth.mailing.limits import Limit
from auth.permissions import ADMIN, AuthPermission
from auth.roles import authority
from auth.roles.actors import Actor, Administrator, record
from auth.stores import account_expiry, roles, users
from auth.stores.roles import RoleState
from models import Account, iso
from utils.client_info import Subject
from utils.permissions import is_of_service
from utils.services import Services

MAX_ROLES_OF_ACCOUNT = 20
MAX_NOTIFIED = 50  # administrators who are mailed about one change


def grant(services: Services, actor: Actor, account: Account, name: str) -> bool:
    """Give a role to an account; False if it has it. Its permissions count with the next call.

    Raises `RoleNotFound`, `TooManyRoles`, or as `authority.check` does; beyond 20 changes of roles with a
    permission of this service in an hour, `TooManyRequests`.
    """
    tx, now = services.tx(), services.clock.now()
    role, held = _checked(services, actor, account, name)
    authority.check_permissions(held, role.permissions)
    users.lock(tx, account.id)
    _, names = roles.of_user(tx, account.id)
    if name not in names and len(names) >= MAX_ROLES_OF_ACCOUNT:
        raise TooManyRoles("This account has twenty roles. Take one from it first.")
    if not roles.grant(tx, account.id, role.id, now, actor.user_id):
        tx.rollback()
        return False
    account_expiry.keep(tx, account.id, now)
    record(services, Event.ROLE_GRANTED, actor, user_id=account.id, detail=name)
    if _is_of_service(role):
        notify(services, actor, [account], name, "role_granted")
    tx.commit()
    return True


def revoke(services: Services, actor: Actor, account: Account, name: str) -> bool:
    """Take a role from an account; False if it does not have it. Counts with the next call.

    Raises as `grant` does, and `LastAdministrator` if no open account would be left with the role `admin`.
    """
    tx = services.tx()
    role, held = _checked(services, actor, account, name)
    authority.check_permissions(held, role.permissions)
    if name == ADMIN and isinstance(actor, Administrator):
        authority.keep_an_administrator(services, account.id)
    users.lock(tx, account.id)
    if not roles.revoke(tx, account.id, role.id):
        tx.rollback()
        return False
    record(services, Event.ROLE_REVOKED, actor, user_id=account.id, detail=name)
    if _is_of_service(role):
        notify(services, actor, [account], name, "role_revoked")
    tx.commit()
    return True


def _is_of_service(role: RoleState) -> bool:
    return any(map(is_of_service, role.permissions))


def _checked(
    services: Services, actor: Actor, account: Account, name: str
) -> tuple[RoleState, frozenset[str]]:
    tx = services.tx()
    if not account.email:  # it only holds its name
        raise UserNotFound
    seen = roles.by_name(tx, name)
    if seen and _is_of_service(seen):
        limit_changes(services, actor)
    roles.lock_administration(tx)
    held = authority.check(services, actor, AuthPermission.ROLES, account)
    role = roles.by_name(tx, name)
    if role is None:
        raise RoleNotFound
    return role, held


def limit_changes(services: Services, actor: Actor) -> None:
    """Count a change of a role of this service by an account. Raises `TooManyRequests` beyond 20 an hour."""
    if isinstance(actor, Administrator):
        services.tx().rollback()  # the limiter counts in a transaction of its own
        subject = (Subject(f"account:{actor.user_id}"),)
        services.limiter.check("service-roles", subject, visible=False)


def notify(
    services: Services,
    actor: Actor,
    accounts: Sequence[Account],
    name: str,
    template: str,
    *,
    is_change: bool = False,
) -> None:
    """Mail these accounts, and once every other administrator, about a role with permissions of this service.

    `is_change` tells that they have the role, whose permissions changed.
    """
    if not accounts:
        return
    tx = services.tx()
    by = str(actor.user_id) if actor.user_id else ""
    facts = {"role": name, "by": by, "at": iso(services.clock.now())}
    facts["changed"] = "yes" if is_change else ""
    for account in accounts:
        links.send_mail(services, tx, account, template, facts, limit=Limit.SECURITY_NOTICE)
    about = facts | {"account": ", ".join(str(account.id) for account in accounts)}
    told = {actor.user_id, *(account.id for account in accounts)}
    for user_id in roles.administrators(tx, MAX_NOTIFIED):
        other = users.by_id(tx, user_id) if user_id not in told else None
        if other:
            links.send_mail(services, tx, other, f"{template}_to_other", about, limit=Limit.SECURITY_NOTICE)
