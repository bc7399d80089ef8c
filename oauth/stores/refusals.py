"""Refused calls of clients: a row for client, reason and minute, with a count."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, select
from sqlalchemy.orm import Session

from tables.oauth import OAuthRefusal
from utils.database.engine import dialect_of, for_each_database

MAX_OF_REASON = 10  # rows of a client
MAX_OF_CLIENT = 50

# Built once: a flood of wrong calls runs it.
_TABLE = cast(Table, OAuthRefusal.__table__)
_NAMES = ("client_id", "reason", "at", "step", "detail", "request_id")
_COUNTED = for_each_database(
    lambda insert: (
        insert(_TABLE)
        .values({name: bindparam(name) for name in _NAMES} | {"count": 1})
        .on_conflict_do_update(
            index_elements=[_TABLE.c.client_id, _TABLE.c.reason, _TABLE.c.at],
            set_={"count": _TABLE.c.count + 1},  # the first detail of a minute stays
        )
        .returning(_TABLE.c.count)
    )
)


def count(tx: Session, values: dict[str, Any]) -> None:
    """Count a refusal and delete the client's oldest rows beyond the bounds.

    `values` has a value for each of client_id, reason, at (a whole minute), step, detail and request_id.
    """
    if tx.execute(_COUNTED[dialect_of(tx)], values).scalar_one() > 1:
        return
    mine = OAuthRefusal.client_id == values["client_id"]
    _keep_newest(tx, MAX_OF_REASON, mine, OAuthRefusal.reason == values["reason"])
    _keep_newest(tx, MAX_OF_CLIENT, mine)


def _keep_newest(tx: Session, limit: int, *mine: Any) -> None:
    """Delete all but the newest rows."""
    newest = select(OAuthRefusal.id).where(*mine).order_by(OAuthRefusal.at.desc(), OAuthRefusal.id.desc())
    over = tx.scalars(newest.offset(limit)).all()
    if over:
        tx.execute(delete(OAuthRefusal).where(OAuthRefusal.id.in_(over)))


def of_client(tx: Session, client_id: str) -> Sequence[OAuthRefusal]:
    """Return the refusals of a client, the newest first."""
    mine = select(OAuthRefusal).where(OAuthRefusal.client_id == client_id)
    return tx.scalars(mine.order_by(OAuthRefusal.at.desc(), OAuthRefusal.id.desc())).all()


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` rows from before this time; return how many."""
    some = select(OAuthRefusal.id).where(OAuthRefusal.at < before).limit(slice_size)
    deleted = delete(OAuthRefusal).where(OAuthRefusal.id.in_(some)).returning(OAuthRefusal.id)
    return len(tx.execute(deleted).all())
