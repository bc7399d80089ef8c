"""What a call for tokens presents, read by the statement that authenticates its client."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from oauth.stores import clients
from oauth.stores.clients import Calling
from utils.database.reads import Reads

F = TypeVar("F")
ForCaller = Callable[[Reads, str, bytes, datetime, UUID], tuple[Calling | None, F | None]]


class Reading(Generic[F]):
    """Reads the client and the row of this id (`authentication.Read`), which is `found` then.

    Without an id, as of a text that cannot be a token, it reads the client alone.
    """

    def __init__(self, read: ForCaller[F], row_id: UUID | None) -> None:
        self.found: F | None = None
        self._read, self._id = read, row_id

    def __call__(self, reads: Reads, client_id: str, digest: bytes, now: datetime) -> Calling | None:
        if self._id is None:
            return clients.calling(reads, client_id, digest, now)
        calling, self.found = self._read(reads, client_id, digest, now, self._id)
        return calling
