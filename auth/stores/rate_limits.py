"""Rate limit counters in the database, exact across all processes that share it.

The one store that commits: each count is a short transaction of its own, before the
flow writes. Inside the flow's transaction a refusal would undo its own count, and on
SQLite the flow would wait for itself.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import case, delete, or_, select
from sqlalchemy.orm import Session

from models import RateLimit
from utils.clock import Clock
from utils.database.engine import insert_into
from utils.limits.rate_limits import NO_CALLS, Count


class DatabaseCounters:
    """Counts in the table `rate_limits`, one upsert for each call."""

    def __init__(self, tx: Callable[[], Session], clock: Clock) -> None:
        self._tx, self._clock = tx, clock

    def hit(self, key: str, window: int) -> Count:
        now, tx = self._clock.now(), self._tx()
        ends = now + timedelta(seconds=window)
        fresh = insert_into(tx, RateLimit).values(key=key, calls=1, ends_at=ends)
        is_over = RateLimit.ends_at <= now
        row = tx.execute(
            fresh.on_conflict_do_update(
                index_elements=[RateLimit.key],
                set_={
                    "calls": case((is_over, 1), else_=RateLimit.calls + 1),
                    # Never further off than a whole window, should the clock have been set back.
                    "ends_at": case((or_(is_over, RateLimit.ends_at > ends), ends), else_=RateLimit.ends_at),
                },
            ).returning(RateLimit.calls, RateLimit.ends_at)
        ).one()
        tx.commit()
        return Count(row.calls, (row.ends_at - now).total_seconds())

    def peek(self, key: str) -> Count:
        now = self._clock.now()
        active = select(RateLimit.calls, RateLimit.ends_at).where(
            RateLimit.key == key, RateLimit.ends_at > now
        )
        row = self._tx().execute(active).one_or_none()
        return Count(row.calls, (row.ends_at - now).total_seconds()) if row else NO_CALLS


def prune(tx: Session, now: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` windows that are over; return how many."""
    some = select(RateLimit.key).where(RateLimit.ends_at <= now).limit(slice_size)
    deleted = delete(RateLimit).where(RateLimit.key.in_(some)).returning(RateLimit.key)
    return len(tx.execute(deleted).all())
