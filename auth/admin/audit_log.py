"""Reading the whole audit log, for `flask auth audit`."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from auth.events import Event
from auth.roles.actors import Operator, record
from auth.stores import audit
from models import AuditEvent
from utils.services import Services

PAGE = 500
# Ids are given before the commit: a lower one can appear after a higher one. Until then both are read.
SETTLED_AFTER = timedelta(seconds=60)


def page(services: Services, operator: Operator, *, after: int, limit: int) -> Sequence[AuditEvent]:
    """Return at most `limit` events with a higher id than `after`, the oldest first."""
    found = audit.after(services.tx(), after, limit)
    services.tx().expunge_all()
    record(services, Event.AUDIT_READ, operator, count=len(found))
    services.tx().commit()
    return found


def follow(
    services: Services, operator: Operator, *, after: int, goes_on: Callable[[], bool]
) -> Iterator[AuditEvent]:
    """Yield each event with a higher id than `after` once, and new ones as they are committed.

    Ends when `goes_on` returns False, which it may do after a wait. An event of a transaction that was open
    for longer than `SETTLED_AFTER` can be missed.
    """
    record(services, Event.AUDIT_READ, operator)
    services.tx().commit()
    seen = set[int]()
    while True:
        found = audit.after(services.tx(), after, PAGE, but=seen)
        services.tx().expunge_all()
        services.tx().rollback()
        yield from found
        seen.update(row.id for row in found)
        settled_at = services.clock.now() - SETTLED_AFTER
        after = max([after, *(row.id for row in found if row.at < settled_at)])
        seen = {number for number in seen if number > after}
        if len(found) < PAGE and not goes_on():
            return
