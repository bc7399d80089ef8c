"""Leases: one holder at a time, over all processes, until an end that needs no release."""

from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models import Lease
from utils.database.engine import insert_into


def claim(tx: Session, name: str, now: datetime, until: datetime) -> bool:
    """Take the lease until then; False if another caller has it. One statement decides."""
    values = {"name": name, "claimed_at": now, "ends_at": until}
    # A clock that was set back must not lengthen a lease: one from the future is over.
    is_over = or_(Lease.ends_at <= now, Lease.claimed_at > now)
    claimed = insert_into(tx, Lease).values(**values)
    claimed = claimed.on_conflict_do_update(index_elements=[Lease.name], set_=values, where=is_over)
    return tx.execute(claimed.returning(Lease.name)).scalar() is not None


def extend(tx: Session, name: str, claimed_at: datetime, until: datetime) -> None:
    """Move the end of the lease that was claimed then, unless another caller has claimed it since."""
    mine = (Lease.name == name, Lease.claimed_at == claimed_at)
    tx.execute(update(Lease).where(*mine).values(ends_at=until))


def release(tx: Session, name: str, claimed_at: datetime) -> None:
    """End the lease that was claimed then, unless another caller has claimed it since."""
    tx.execute(delete(Lease).where(Lease.name == name, Lease.claimed_at == claimed_at))


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` leases that ended before this time; return how many."""
    over = Lease.ends_at < before
    some = select(Lease.name).where(over).limit(slice_size)
    # Over once more: it may be claimed again meanwhile.
    deleted = delete(Lease).where(over, Lease.name.in_(some)).returning(Lease.name)
    return len(tx.execute(deleted).all())
