"""The operator at the command line, and the audit event that names them."""

from dataclasses import dataclass

from auth.errors import UserNotFound
from auth.events import Event
from auth.stores import audit, users
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

MAX_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Operator:
    """The person at the command line."""

    name: str
    client: ClientInfo


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
    services: Services, event: Event, operator: Operator, *, user_id: int | None = None, count: int = 1
) -> None:
    """Record what an operator did."""
    audit.append(
        services.tx(),
        event,
        services.clock.now(),
        operator.client,
        user_id=user_id,
        operator=operator.name,
        count=count,
    )
