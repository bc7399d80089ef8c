"""The accounts that have a role while its permissions change.

A permission of this service that is put into a role is a grant to each of them: the same checks of the actor,
the same audit events, and the same mails.
"""

from collections.abc import Sequence
from typing import NamedTuple

from auth.errors import NotYourself
from auth.events import Event
from auth.roles import authority, grants
from auth.roles.actors import Actor, Administrator, record
from auth.roles.errors import TooManyHolders
from auth.stores import roles, users
from auth.stores.roles import RoleState
from utils.errors import PermissionMissing
from utils.permissions import is_of_service
from utils.services import Services

MAX_HOLDERS = 50  # of a role that gets a permission of this service


class Change(NamedTuple):
    """A role as it was, and the permissions that it gets and loses."""

    role: RoleState
    added: frozenset[str]
    removed: frozenset[str]

    @property
    def is_rise(self) -> bool:
        """Return whether the role gets a permission of this service."""
        return any(map(is_of_service, self.added))

    @property
    def is_fall(self) -> bool:
        """Return whether the role loses one."""
        return any(map(is_of_service, self.removed))


def check(services: Services, actor: Actor, held: frozenset[str], change: Change) -> Sequence[int]:
    """Return the ids of the accounts to tell of the change, at most `MAX_HOLDERS`. The roles are locked.

    `held` are the permissions of this service that the actor has. Raises `NotYourself` if an account would
    give itself a permission that it does not have; `TooManyHolders`; and `PermissionMissing` if an account
    with the role has a permission of this service that the actor lacks.
    """
    tx = services.tx()
    if isinstance(actor, Administrator) and change.added:
        own, names = roles.of_user(tx, actor.user_id)
        if change.role.name in names and not change.added <= {*own}:
            raise NotYourself
    if not (change.is_rise or change.is_fall):
        return []
    found = roles.holders(tx, change.role.id, MAX_HOLDERS + 1)
    if change.is_rise and len(found) > MAX_HOLDERS:
        raise TooManyHolders
    told = found[:MAX_HOLDERS]
    if isinstance(actor, Administrator):
        for user_id in told:
            if beyond := authority.of_service(services, user_id) - held:
                raise PermissionMissing(beyond)
    return told


def notify(services: Services, actor: Actor, change: Change, user_ids: Sequence[int]) -> None:
    """Record a rise for each of these accounts, and mail them and the administrators about the change."""
    accounts = [found for each in user_ids if (found := users.by_id(services.tx(), each))]
    if change.is_rise:
        for account in accounts:
            detail = change.role.name
            record(services, Event.ROLE_GRANTED, actor, user_id=account.id, detail=detail)
        grants.notify(services, actor, accounts, change.role.name, "role_granted", is_change=True)
    elif change.is_fall:
        grants.notify(services, actor, accounts, change.role.name, "role_revoked", is_change=True)
