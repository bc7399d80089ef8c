"""Who is logged in: a list for operators, and a number for the metrics."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from auth.events import Event
from auth.roles.actors import Operator, record
from auth.stores import logged_in
from auth.stores.logged_in import LoggedIn
from utils.background import BackgroundTask
from utils.services import Services

log = logging.getLogger("auth")

EVERY = timedelta(minutes=1)  # at most
POLL = 24 * 3600.0  # seconds; it is woken by scrapes


class Page(NamedTuple):
    """Accounts that are logged in, and whether there are more with higher ids."""

    accounts: Sequence[LoggedIn]
    more: bool


def page(services: Services, operator: Operator, *, after: int, limit: int) -> Page:
    """Return accounts with a live session, by rising id."""
    tx, now = services.tx(), services.clock.now()
    found = logged_in.page(tx, now, after=after, limit=limit + 1)
    record(services, Event.ACCOUNTS_LISTED, operator, count=len(found[:limit]))
    tx.commit()
    return Page(found[:limit], len(found) > limit)


class Counting:
    """Counts the accounts that are logged in, for the metrics of this process, at most once a minute."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    def step(self, services: Services) -> bool:
        """Count if it is time to. While the database does not answer, the number is NaN."""
        now, gauge = services.clock.now(), services.metrics.accounts.labels("logged_in")
        if self._next and self._next - EVERY <= now < self._next:
            return False
        self._next = now + EVERY
        try:
            gauge.set(logged_in.count(services.reads, now))
        except Exception:
            gauge.set(float("nan"))
            raise
        return False


def background(step: Callable[[], bool], *, in_background: bool) -> BackgroundTask:
    """Return the thread of a serving process that counts when it is woken by a scrape of the metrics."""
    return BackgroundTask(
        "logged-in accounts",
        step,
        interrupted=lambda error: log.warning("logged-in accounts not counted", extra={"error": error}),
        in_background=in_background,
        poll=POLL,
    )
