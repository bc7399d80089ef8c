"""Retention: delete expired rows in slices."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth.admin.operator import Operator, record
from auth.events import Event
from auth.factors import resets
from auth.revocation import revoke
from auth.stores import (
    audit,
    challenges,
    freed_usernames,
    known_devices,
    one_time_tokens,
    outbox,
    rate_limits,
    sessions,
    users,
)
from auth.stores import second_factors as accounts
from utils.services import Services


def prune(services: Services, operator: Operator) -> dict[str, int]:
    """Erase and delete expired rows in small transactions; return how many of each table."""
    tx = services.tx()
    deleted = {"users": _erase_due(services, operator), "factors": _reset_due_factors(services, operator)}
    for table, before, prune_slice in growing(services):
        deleted[table] = 0
        while count := prune_slice(tx, before, SLICE):
            deleted[table] += count
            tx.commit()
    record(services, Event.PRUNED, operator, count=sum(deleted.values()))
    tx.commit()
    return deleted


def _erase_due(services: Services, operator: Operator) -> int:
    """Erase accounts whose deletion is due and, where confirmation is required, unconfirmed ones."""
    tx, now = services.tx(), services.clock.now()
    before, confirming = unconfirmed_before(services), services.settings.require_verified_email
    erased = 0
    while due := users.due_for_erasure(tx, now, before, confirming=confirming, limit=SLICE):
        tx.rollback()
        for user_id in due:
            if users.lock_if_due(tx, user_id, now, before, confirming=confirming):
                revoke.erase(services, tx, user_id, Event.ACCOUNT_ERASED, operator.client, operator.name)
                erased += 1
            tx.commit()  # each by itself: locks are held briefly
    return erased


def _reset_due_factors(services: Services, operator: Operator) -> int:
    """Apply pending resets of factors that are due; return how many."""
    tx, now = services.tx(), services.clock.now()
    done = 0
    while due := accounts.due_for_reset(tx, now, SLICE):
        tx.rollback()
        for user_id in due:
            if accounts.begin_due_reset(tx, user_id, now) and (account := users.by_id(tx, user_id)):
                resets.remove_factors(services, tx, account, operator.client, operator.name)
                done += 1
            tx.commit()  # each by itself: locks are held briefly
    return done


SLICE = 1000  # rows a transaction, so that locks are held briefly
UNCONFIRMED_FOR = timedelta(days=7)

Pruner = Callable[[Session, datetime, int], int]


class Growing(NamedTuple):
    """A table that only grows, and the function that deletes a slice of its expired rows."""

    table: str
    before: datetime
    prune_slice: Pruner


def growing(services: Services) -> Iterator[Growing]:
    """Return every table that only grows, with the time before which its rows have expired."""
    settings, now = services.settings, services.clock.now()
    kept: Mapping[str, tuple[timedelta, Pruner]] = {
        "sessions": (timedelta(seconds=settings.ended_session_retention), sessions.prune),
        "audit_events": (timedelta(seconds=settings.audit_retention), audit.prune),
        "rate_limits": (timedelta(0), rate_limits.prune),
        "freed_usernames": (timedelta(0), freed_usernames.prune),
        "outbox": (timedelta(days=30), outbox.prune),
        "one_time_tokens": (timedelta(days=30), one_time_tokens.prune),
        "challenges": (timedelta(days=1), challenges.prune),
        "known_devices": (timedelta(days=365), known_devices.prune),
    }
    for table, (age, prune_slice) in kept.items():
        yield Growing(table, now - age, prune_slice)


def unconfirmed_before(services: Services) -> datetime:
    """Return the time before which an account must have registered to be erased unconfirmed."""
    return services.clock.now() - UNCONFIRMED_FOR
