"""Counters of calls and of mails in the database, exact across all processes that share it.

The one store that commits: each count of a rate limit is a short transaction of its own, before the flow
writes. Inside the flow's transaction a refusal would undo its own count, and on SQLite the flow would wait
for itself.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import CTE, Select, bindparam, case, delete, literal, or_, select, union_all
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from models import RateLimit
from utils.clock import Clock
from utils.database.engine import dialect_of, for_each_database
from utils.limits.counters import NO_CALLS, Count

_TABLE: Any = RateLimit.__table__
_NOW = bindparam("now", type_=_TABLE.c.ends_at.type)
_ENDS = bindparam("ends", type_=_TABLE.c.ends_at.type)


class DatabaseCounters:
    """Counts in the table `rate_limits`."""

    def __init__(self, tx: Callable[[], Session], clock: Clock) -> None:
        self._tx, self._clock = tx, clock

    def count(self, quotas: Mapping[str, int], window: int) -> list[Count]:
        now, tx = self._clock.now(), self._tx()
        times = {"now": now, "ends": now + timedelta(seconds=window)}
        if dialect_of(tx) == "sqlite":
            counts = _counted_in_turn(tx, quotas, times)
        else:
            keys = {f"key{step}": key for step, key in enumerate(quotas)}
            most = {f"quota{step}": quota for step, quota in enumerate(quotas.values())}
            counts = [*tx.execute(_chain(len(quotas)), times | keys | most)]
        tx.commit()
        return [Count(calls, (ends_at - now).total_seconds()) for calls, ends_at in counts]

    def peek(self, keys: Sequence[str]) -> list[Count]:
        now = self._clock.now()
        active = select(RateLimit.key, RateLimit.calls, RateLimit.ends_at).where(
            RateLimit.key.in_(keys), RateLimit.ends_at > now
        )
        found = {
            key: Count(calls, (ends_at - now).total_seconds())
            for key, calls, ends_at in self._tx().execute(active)
        }
        return [found.get(key, NO_CALLS) for key in keys]


def _counted_in_turn(tx: Session, quotas: Mapping[str, int], times: Mapping[str, datetime]) -> list[Any]:
    """Count with a statement for each key: SQLite has no round trips, and no INSERT in a WITH clause."""
    counts: list[Any] = []
    for key, quota in quotas.items():
        counts.append(tx.execute(_UPSERTS["sqlite"], {**times, "key0": key}).one())
        if counts[-1].calls > quota:
            break
    return counts


@cache
def _chain(length: int) -> Any:
    """Return one statement of PostgreSQL that counts this many keys, each unless the one before is over.

    A step reads the result of the step before, so that all statements lock the rows in the order of the keys.
    """
    steps: list[CTE] = []
    for step in range(length):
        source = None
        if steps:
            before = steps[-1]
            within = before.c.calls <= bindparam(f"quota{step - 1}")
            source = select(bindparam(f"key{step}"), literal(1), _ENDS).select_from(before).where(within)
        steps.append(_upsert(postgresql.insert(_TABLE), step, source).cte(f"step{step}"))
    rows = [
        select(each.c.calls, each.c.ends_at, literal(step).label("step")) for step, each in enumerate(steps)
    ]
    every = union_all(*rows).subquery()
    return select(every.c.calls, every.c.ends_at).order_by(every.c.step)


def _upsert(insert: Any, step: int, source: Select[Any] | None = None) -> Any:
    """Return the upsert that counts `key<step>`, of the values or of the rows of `source`."""
    columns = _TABLE.c
    row = (
        insert.from_select(["key", "calls", "ends_at"], source)
        if source is not None
        else insert.values(key=bindparam(f"key{step}"), calls=1, ends_at=_ENDS)
    )
    is_over = columns.ends_at <= _NOW
    return row.on_conflict_do_update(
        index_elements=[columns.key],
        set_={
            "calls": case((is_over, 1), else_=columns.calls + 1),
            # Never further off than a whole window, should the clock have been set back.
            "ends_at": case((or_(is_over, columns.ends_at > _ENDS), _ENDS), else_=columns.ends_at),
        },
    ).returning(columns.calls, columns.ends_at)


_UPSERTS = for_each_database(lambda insert: _upsert(insert(_TABLE), 0))


def count(tx: Session, key: str, now: datetime, window: timedelta) -> int:
    """Count a use of this key in the caller's transaction; return how many its window has, with this one.

    One statement: concurrent transactions wait for each other, and the last one sees all that committed.
    """
    values = {"key0": key, "now": now, "ends": now + window}
    return int(tx.execute(_UPSERTS[dialect_of(tx)], values).one().calls)


def prune(tx: Session, now: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` windows that are over; return how many.

    Rows that are being counted are skipped: a statement that counts several keys would wait for this one,
    and this one for it. In a CTE they are chosen once: PostgreSQL may repeat a subquery for each row, which
    would skip those that are deleted already, and choose others.
    """
    some = select(RateLimit.key).where(RateLimit.ends_at <= now).limit(slice_size)
    chosen = some.with_for_update(skip_locked=True).cte("chosen")
    deleted = delete(RateLimit).where(RateLimit.key.in_(select(chosen.c.key))).returning(RateLimit.key)
    return len(tx.execute(deleted).all())
