"""Retention: what expires in each table, and the batches that delete it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth.admin import account_expiry
from auth.admin.account_expiry import Caller
from auth.admin.settling import Outcome, Pruned, one_by_one
from auth.events import Event
from auth.factors import resets
from auth.roles.actors import Operator, record
from auth.sessions import ending
from auth.stores import (
    api_tokens,
    audit,
    challenges,
    freed_usernames,
    known_devices,
    leases,
    one_time_tokens,
    outbox,
    rate_limits,
    run_out_sessions,
    sessions,
    users,
)
from auth.stores import second_factors as accounts
from utils.database.deadlines import maintenance
from utils.services import Services

BATCH = 1000  # rows a transaction, so that locks are held briefly
FACTORS = 100  # accounts a batch, each in a transaction of its own
RUN_OUT = 100  # the same

Pruner = Callable[[Session, datetime, int], int]


class Growing(NamedTuple):
    """A table that only grows, and the function that deletes some of its expired rows."""

    table: str
    before: datetime
    prune_some: Pruner


class Batches(NamedTuple):
    """A table and its batches: `prune_batch` settles and commits one of at most `size` rows."""

    table: str
    size: int
    prune_batch: Callable[[], Pruned]


def growing(services: Services) -> Iterator[Growing]:
    """Return every table that only grows, with the time before which its rows have expired.

    A table whose rows have an end of their own is a line with `timedelta(0)`.
    """
    settings, now = services.settings, services.clock.now()
    kept: Mapping[str, tuple[timedelta, Pruner]] = {
        "sessions": (timedelta(seconds=settings.ended_session_retention), sessions.prune),
        "audit_events": (timedelta(seconds=settings.audit_retention), audit.prune),
        "rate_limits": (timedelta(0), rate_limits.prune),
        "freed_usernames": (timedelta(0), freed_usernames.prune),
        "leases": (timedelta(days=1), leases.prune),
        "api_tokens": (timedelta(days=30), api_tokens.prune),
        "outbox": (timedelta(days=30), outbox.prune),
        "one_time_tokens": (timedelta(days=30), one_time_tokens.prune),
        "challenges": (timedelta(days=1), challenges.prune),
        "known_devices": (timedelta(days=365), known_devices.prune),
    }
    for table, (age, prune_some) in kept.items():
        yield Growing(table, now - age, prune_some)
    yield from services.upkeep.growing(services)


def batches(services: Services, caller: Caller) -> list[Batches]:
    """Return the batches: accounts to erase, factors to remove, sessions to end, and every table."""
    return [
        Batches("users", account_expiry.BATCH, partial(account_expiry.erase_due, services, caller)),
        Batches("users", account_expiry.BATCH, partial(account_expiry.erase_untouched, services, caller)),
        Batches("factors", FACTORS, partial(_reset_due_factors, services, caller)),
        Batches("sessions", RUN_OUT, partial(_end_run_out, services)),
        *services.upkeep.batches(services, caller),
        *(Batches(each.table, BATCH, partial(_delete_expired, services, each)) for each in growing(services)),
    ]


@maintenance()
def prune(services: Services, operator: Operator) -> dict[str, int]:
    """Erase and delete everything that has expired; return how many of each table."""
    deleted = Counter[str]()
    for table, _, prune_batch in batches(services, Caller(operator.client, operator.name)):
        deleted[table] += 0
        while (done := prune_batch()).settled:
            deleted[table] += done.deleted
    record(services, Event.PRUNED, operator, count=deleted.total())
    services.tx().commit()
    return deleted


def _delete_expired(services: Services, expired: Growing) -> Pruned:
    tx = services.tx()
    count = expired.prune_some(tx, expired.before, BATCH)
    tx.commit()
    return Pruned(count, count, count)


def _reset_due_factors(services: Services, caller: Caller) -> Pruned:
    """Apply pending resets of factors that are due."""
    tx, now = services.tx(), services.clock.now()
    due = accounts.due_for_reset(tx, now, FACTORS)
    tx.rollback()

    def reset(user_id: int) -> Outcome:
        if not accounts.begin_due_reset(tx, user_id, now) or not (account := users.by_id(tx, user_id)):
            return Outcome.PASSED_OVER
        resets.remove_factors(services, tx, account, caller.client, caller.name)
        return Outcome.DELETED

    return one_by_one(services, due, reset)


def _end_run_out(services: Services) -> Pruned:
    """End the sessions of some accounts that were used too long ago, or are too old.

    Nothing admits them since they ran out. Their end is told to the applications that they logged in to.
    """
    tx, now = services.tx(), services.clock.now()
    due = run_out_sessions.users(tx, now, RUN_OUT)
    tx.rollback()

    def end(user_id: int) -> Outcome:
        users.lock(tx, user_id)  # as for every other end of its sessions, so that none waits for another
        return Outcome.KEPT if ending.end_run_out(services, tx, user_id, now) else Outcome.PASSED_OVER

    return one_by_one(services, due, end)
