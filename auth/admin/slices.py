"""Pruning by the serving processes: a slice of each table at a time, by one process at a time."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from auth.admin import pruning
from auth.admin.account_expiry import Caller
from auth.admin.settling import Pruned
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
    process ends meanwhile, another one continues then. A table that fails is left to the next slice.
    """
    began = services.clock.now()
    is_claimed = leases.claim(services.tx(), LEASE, began, began + EVERY)
    services.tx().commit()
    if not is_claimed:
        return
    deleted, left, has_failed = Counter[str](), pruning.batches(services, SERVICE), False
    for _ in range(MAX_BATCHES):
        for each in list(left):
            if services.clock.now() >= began + EVERY:
                break  # the next slice may have begun
            done = _prune_batch(services, each)
            if done is None or done.found < each.size or not done.settled:
                left.remove(each)
            if done is None:
                has_failed = True
            else:
                deleted[each.table] += done.deleted
            yield
    if not left and not has_failed:
        leases.extend(services.tx(), LEASE, began, began + IDLE)
        services.tx().commit()
    if total := deleted.total():
        log.info("expired rows deleted", extra={"count": total})


def _prune_batch(services: Services, batches: pruning.Batches) -> Pruned | None:
    """Prune a batch of a table; None if that failed, which must not keep the other tables from it."""
    try:
        return batches.prune_batch()
    except Exception as problem:  # noqa: BLE001  (each table may fail in its own way)
        services.tx().rollback()
        log.warning("table not pruned", extra={"table": batches.table, "error": type(problem).__name__})
        return None


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
