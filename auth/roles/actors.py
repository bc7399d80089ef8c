"""Actors: who acts on an account of others, and the audit event that names them."""

import os
import pwd
import secrets
from dataclasses import dataclass

from auth.errors import UserNotFound
from auth.events import Event
from auth.stores import audit, users
from models import Account
from utils.client_info import ClientInfo
from utils.services import Principal, Services

MAX_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Operator:
    """The person at the command line, who may do everything."""

    name: str
    client: ClientInfo
    user_id: None = None


@dataclass(frozen=True, slots=True)
class Administrator:
    """An account that acts on others from a session, within its permissions (`auth.roles.authority`)."""

    principal: Principal
    client: ClientInfo
    name: None = None

    @property
    def user_id(self) -> int:
        return self.principal.user_id


Actor = Operator | Administrator


def operator() -> Operator:
    """Return the operator: the user of the operating system, not of environment variables."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name[:80]
    except KeyError:  # a container's user without a name
        name = f"uid-{os.getuid()}"
    client = ClientInfo(address=None, user_agent="command line", request_id=secrets.token_hex(8))
    return Operator(name, client)


def find(services: Services, login: str) -> Account:
    """Return the account of a name, an address or an id. Raises `UserNotFound`."""
    tx = services.tx()
    is_id = login.isdecimal() and len(login) <= 10 and int(login) <= MAX_ID
    account = users.by_id(tx, int(login)) if is_id else None
    account = account or users.by_login(tx, login)
    if account is None:
        raise UserNotFound
    return account


def record(
    services: Services,
    event: Event,
    actor: Actor,
    *,
    user_id: int | None = None,
    count: int = 1,
    detail: str | None = None,
) -> None:
    """Record what an actor did."""
    audit.append(
        services.tx(),
        event,
        services.clock.now(),
        actor.client,
        user_id=user_id,
        operator=actor.name,
        actor_id=actor.user_id,
        count=count,
        detail=detail,
    )
