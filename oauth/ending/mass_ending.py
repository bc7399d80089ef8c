"""The end of many grants in batches, each with its own time and transaction.

The revocation feed finds an ending that is committed within a minute of its time (`oauth.feed.ended`). One
transaction over hundreds of thousands of grants stays open for longer.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from oauth.stores import endings, notices, row_locks
from oauth.stores.grants import GrantEnd
from utils.services import Services

BATCH = 1000  # grants

Step = Callable[[Session, Sequence[UUID], datetime], int]


def end_all(services: Services) -> None:
    """End every grant of every account, and write down which clients to tell.

    The sessions have ended before, so that no grant is made of them meanwhile. Grants of logins that happen
    during the call may end as well.
    """

    def end(tx: Session, ids: Sequence[UUID], now: datetime) -> int:
        row_locks.share_clients(tx)
        notices.write_of_grants(tx, ids, now)  # first, as they are made from living grants
        return endings.end_some(tx, ids, GrantEnd.ALL_REVOKED, now)

    _in_batches(services, None, end)
    services.notices.wake()


def end_of_client(services: Services, client_id: str, reason: str) -> int:
    """End every grant of a client that cannot get new ones; return how many."""
    return _in_batches(services, client_id, lambda tx, ids, now: endings.end_some(tx, ids, reason, now))


def end_these(services: Services, grant_ids: Sequence[UUID], reason: str) -> None:
    """End those of these grants that live."""
    tx, ordered = services.tx(), sorted(grant_ids)
    for start in range(0, len(ordered), BATCH):
        endings.end_some(tx, ordered[start : start + BATCH], reason, services.clock.now())
        tx.commit()


def _in_batches(services: Services, client_id: str | None, end: Step) -> int:
    tx, ended, last = services.tx(), 0, None
    while ids := endings.living(tx, client_id=client_id, after=last, limit=BATCH):
        ended += end(tx, ids, services.clock.now())
        tx.commit()
        last = ids[-1]
    return ended
