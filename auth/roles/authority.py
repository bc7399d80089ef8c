"""The rules for acting on the accounts of others. Every flow that does so asks `check` first.

1. A permission of this service is given, or put into a role, only by an actor who has it.
2. An actor does not act on an account that has a permission of this service which the actor lacks.
3. An actor does not act on their own account.
4. The last open account with the role `admin` keeps it, and stays open.
5. A change of such roles is mailed (`auth.roles.grants`), also of their permissions (`auth.roles.holders`).

An operator at the command line may do everything. The checks of an administrator run after the row of the
role `admin` is locked, so that two who act on each other do so one after the other.
"""

from auth.errors import LastAdministrator, NotYourself
from auth.permissions import AuthPermission
from auth.permissions import authority as authority_of
from auth.roles.actors import Actor, Operator
from auth.sessions import step_up
from auth.stores import roles, sessions
from models import Account
from utils.errors import PermissionMissing, TokenInvalid
from utils.permissions import is_of_service
from utils.services import Services


def check(
    services: Services, actor: Actor, wanted: AuthPermission, target: Account | None = None
) -> frozenset[str]:
    """Return the permissions of this service that the actor has now, among them the wanted one.

    Raises `PermissionMissing` or `NotYourself`; `ReauthRequired` without a fresh login and, where it is
    required, a fresh second factor; `SessionRequired`; `TokenInvalid` if the session has ended.
    """
    if isinstance(actor, Operator):
        return frozenset(AuthPermission)
    tx, principal = services.tx(), actor.principal
    roles.lock_administration(tx)
    session_id = step_up.fresh_session(services, principal)
    admitted = sessions.still_admitted(tx, session_id, principal.user_id, services.clock.now())
    if admitted is None:
        raise TokenInvalid
    needs_factor = services.settings.admin_require_second_factor
    step_up.require_fresh_factor(services, session_id, admitted[1], even_without_one=needs_factor)
    held = of_service(services, principal.user_id)
    if wanted not in held:
        raise PermissionMissing([wanted])
    if target is None:
        return held
    if target.id == principal.user_id:
        raise NotYourself
    if beyond := of_service(services, target.id) - held:
        raise PermissionMissing(beyond)
    return held


def check_permissions(held: frozenset[str], permissions: frozenset[str]) -> None:
    """Raise `PermissionMissing` if one of these is a permission of this service that the actor lacks."""
    if beyond := frozenset(filter(is_of_service, permissions)) - held:
        raise PermissionMissing(beyond)


def of_service(services: Services, user_id: int) -> frozenset[str]:
    """Return the permissions of this service that an account has by its roles."""
    permissions, _ = roles.of_user(services.tx(), user_id)
    held = authority_of(permissions, by_factor=True).permissions
    return frozenset(filter(is_of_service, held))


def is_last_administrator(services: Services, user_id: int) -> bool:
    """Return whether this is the only open account with the role `admin`. The roles are locked."""
    return list(roles.administrators(services.tx(), 2)) == [user_id]


def keep_an_administrator(services: Services, user_id: int) -> None:
    """Lock all changes of roles. Raises `LastAdministrator` if the service would be left without one.

    Before the account is locked: that is the order of locks.
    """
    roles.lock_administration(services.tx())
    if is_last_administrator(services, user_id):
        raise LastAdministrator
