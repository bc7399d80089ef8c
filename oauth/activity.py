"""What applications did, in the audit log of the account."""

from typing import Protocol
from uuid import UUID

from auth.events import Event
from auth.stores import audit
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.services import Services


class OfSession(Protocol):
    """A code or a grant: whose it is, and in which session it was given."""

    @property
    def user_id(self) -> int: ...
    @property
    def session_id(self) -> UUID: ...


def record(services: Services, event: Event, client: Client, row: OfSession, caller: ClientInfo) -> None:
    """Append an audit event about a code or grant of this client, in the transaction of the change."""
    audit.append(
        services.tx(),
        event,
        services.clock.now(),
        caller,
        user_id=row.user_id,
        session_id=row.session_id,
        detail=client.name,
    )
