"""Accounts that pruning settles one at a time: one that cannot be settled does not stop the others."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import NamedTuple

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as DatabaseTimeout

from utils.services import Services

log = logging.getLogger("auth")


class Pruned(NamedTuple):
    """How many rows a batch found, how many will not be found again, and how many of these were deleted."""

    found: int
    settled: int
    deleted: int


class Outcome(Enum):
    """What became of an account that was due."""

    DELETED = auto()
    KEPT = auto()  # for good
    PASSED_OVER = auto()  # it is no longer due
    FAILED = auto()


def one_by_one(services: Services, user_ids: Sequence[int], settle: Callable[[int], Outcome]) -> Pruned:
    """Settle each account in a transaction of its own, so that locks are held briefly.

    An account that cannot be settled is logged, and is due again at the next batch. Raises `OperationalError`
    and `DatabaseTimeout`, which are faults of the database.
    """
    tx, outcomes = services.tx(), Counter[Outcome]()
    for user_id in user_ids:
        try:
            outcome = settle(user_id)
            tx.commit()
        except (OperationalError, DatabaseTimeout):
            raise
        except Exception as problem:  # noqa: BLE001  (of this account only)
            tx.rollback()
            log.warning("account not pruned", extra={"user_id": user_id, "error": type(problem).__name__})
            outcome = Outcome.FAILED
        outcomes[outcome] += 1
    deleted = outcomes[Outcome.DELETED]
    return Pruned(len(user_ids), deleted + outcomes[Outcome.KEPT], deleted)
