"""Pruning by the serving processes: a slice of each table at a time, by one process at a time."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from auth.admin import pruning
from auth.admin.account_expiry import Caller
from auth.stores import leases
from utils.background import BackgroundTask
from utils.client_info import ClientInfo
from utils.database.deadlines import maintenance
from utils.services import Services

log = logging.getLogger("auth")

LEASE = "prune"
EVERY = timedelta(minutes=3)  # between two slices of all processes: at most 20 an hour
IDLE = timedelta(hours=1)  # after a slice that left nothing expired
MAX_BATCHES = 10  # of a table in a slice
POLL = 60.0  # seconds between two looks at the lease
PAUSE = 0.05  # seconds between two batches, for the requests that wait for the database
SERVICE = Caller(ClientInfo(address=None, user_agent="pruning", request_id=""))


class Slices:
    """Prunes a slice, batch by batch, whenever the lease of all processes is free."""

    def __init__(self) -> None:
        self._slice: Iterator[None] | None = None

    @maintenance()
    def next_batch(self, services: Services) -> bool:
        """Prune the next batch, of a new slice if it is time for one; False if there is nothing to do."""
        current, self._slice = self._slice or _slice(services), None
        for _ in current:
            self._slice = current
            return True
        return False


def _slice(services: Services) -> Iterator[None]:
    """Claim the lease and prune at most `MAX_BATCHES` batches of each table, in turn; pause after each.

    The lease is not given back: it ends after `EVERY`, or after `IDLE` if nothing expired is left. If the
    process ends meanwhile, another one continues then.
    """
    began = services.clock.now()
    is_claimed = leases.claim(services.tx(), LEASE, began, began + EVERY)
    services.tx().commit()
    if not is_claimed:
        return
    deleted, left = Counter[str](), pruning.batches(services, SERVICE)
    for _ in range(MAX_BATCHES):
        for each in list(left):
            if services.clock.now() >= began + EVERY:
                break  # the next slice may have begun
            done = each.prune_batch()
            deleted[each.table] += done.deleted
            if done.settled < each.size:
                left.remove(each)
            yield
    if not left:
        leases.extend(services.tx(), LEASE, began, began + IDLE)
        services.tx().commit()
    if total := deleted.total():
        log.info("expired rows deleted", extra={"count": total})


def background(next_batch: Callable[[], bool], *, in_background: bool) -> BackgroundTask:
    """Return the thread of a serving process that prunes by `next_batch`."""
    return BackgroundTask(
        "pruning",
        next_batch,
        interrupted=lambda error: log.warning("pruning interrupted", extra={"error": error}),
        in_background=in_background,
        poll=POLL,
        pause=PAUSE,
    )
