"""What is over: how long it is kept, and the deletion of it in slices."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth.stores import audit, challenges, known_devices, one_time_tokens, outbox, rate_limits, sessions
from utils.services import Services

SLICE = 1000  # rows a transaction, so that nobody waits long for a lock
UNCONFIRMED_FOR = timedelta(days=7)

Pruner = Callable[[Session, datetime, int], int]


class Growing(NamedTuple):
    """A table that only grows, and the function that deletes a slice of what is over."""

    table: str
    before: datetime
    prune_slice: Pruner


def growing(services: Services) -> Iterator[Growing]:
    """Every table that only grows, with the moment before which its rows are over."""
    settings, now = services.settings, services.clock.now()
    kept: Mapping[str, tuple[timedelta, Pruner]] = {
        "sessions": (timedelta(seconds=settings.ended_session_retention), sessions.prune),
        "audit_events": (timedelta(seconds=settings.audit_retention), audit.prune),
        "rate_limits": (timedelta(0), rate_limits.prune),
        "outbox": (timedelta(days=30), outbox.prune),
        "one_time_tokens": (timedelta(days=30), one_time_tokens.prune),
        "challenges": (timedelta(days=1), challenges.prune),
        "known_devices": (timedelta(days=365), known_devices.prune),
    }
    for table, (age, prune_slice) in kept.items():
        yield Growing(table, now - age, prune_slice)


def unconfirmed_before(services: Services) -> datetime:
    """Since when an account must have been waiting to be confirmed to be erased."""
    return services.clock.now() - UNCONFIRMED_FOR
