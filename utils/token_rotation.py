"""The rules of refresh token rotation (RFC 9700, 4.14), for sessions and for grants of clients."""

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol

# How long the parent of the present refresh token still answers with its successor:
# for two tabs that refresh at once, and for an answer that was lost on the way.
REUSE_GRACE = timedelta(seconds=20)
HOUR = timedelta(hours=1)


class Rotated(Protocol):
    """A row that refresh tokens rotate."""

    @property
    def generation(self) -> int: ...
    @property
    def rotated_at(self) -> datetime | None: ...


class Standing(Enum):
    """How the generation of a genuine refresh token relates to that of its row."""

    PRESENT = auto()
    PARENT_IN_GRACE = auto()  # it gets the present token
    REUSED = auto()
    NEWER = auto()  # than the row: a restored backup, not theft


def standing(generation: int, row: Rotated, now: datetime) -> Standing:
    """Return how a genuine token of this generation stands."""
    if generation > row.generation:
        return Standing.NEWER
    if generation == row.generation:
        return Standing.PRESENT
    is_parent = generation == row.generation - 1
    return Standing.PARENT_IN_GRACE if is_parent and _in_grace(row.rotated_at, now) else Standing.REUSED


def _in_grace(rotated_at: datetime | None, now: datetime) -> bool:
    # A clock that was set back must not extend the grace period.
    return rotated_at is not None and abs(now - rotated_at) <= REUSE_GRACE


def is_first_of_hour(last: datetime | None, now: datetime) -> bool:
    """Whether no rotation was in the hour of `now`, by the clock; also if the clock was set back by hours."""
    if last is None or last - now > HOUR:
        return True
    return now.replace(minute=0, second=0, microsecond=0) > last
