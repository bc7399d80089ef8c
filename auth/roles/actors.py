"""Actors: who acts on an account of others, and the audit event that names them."""

import os
import pwd
import secrets
from dataclasses import dataclass

from auth.errors import UserNotFound
from auth.events import Event
from auth.roles.errors import AmbiguousLogin
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
    """Return the account of a name, an address or an id; `id:7` and `name:7` say which.

    A number is an id, never a name: a stranger may register the name `7`. Raises `AmbiguousLogin` for a
    number that is the name of another account, and `UserNotFound`.
    """
    tx = services.tx()
    kind, marked, value = login.partition(":")
    if marked and kind == "name" and "@" not in value:
        account = users.by_login(tx, value)
    elif marked and kind == "id":
        account = _by_id(services, value)
    elif _is_number(login):
        account, named = _by_id(services, login), users.by_login(tx, login)
        if named and (account is None or named.id != account.id):
            raise AmbiguousLogin
    else:
        account = users.by_login(tx, login)
    if account is None:
        raise UserNotFound
    return account


def _by_id(services: Services, text: str) -> Account | None:
    is_id = _is_number(text) and len(text) <= 10 and int(text) <= MAX_ID
    return users.by_id(services.tx(), int(text)) if is_id else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def locked(services: Services, account: Account) -> Account:
    """Lock this account until the end of the transaction, and return it as it stands now.

    Raises `UserNotFound` if it was erased meanwhile.
    """
    tx = services.tx()
    present = users.by_id(tx, account.id) if users.lock(tx, account.id) else None
    if present is None:
        raise UserNotFound
    return present


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
