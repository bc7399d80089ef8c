"""User names that were given up: keyed digests of names that are kept from other accounts for a time."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models import FreedUsername
from utils.database.engine import insert_into


def keep(tx: Session, digest: bytes, user_id: int | None, ends_at: datetime) -> None:
    """Keep a name until then for this account; without an account, for none."""
    kept = insert_into(tx, FreedUsername).values(digest=digest, user_id=user_id, ends_at=ends_at)
    tx.execute(
        kept.on_conflict_do_update(
            index_elements=[FreedUsername.digest], set_={"user_id": user_id, "ends_at": ends_at}
        )
    )


def is_kept(tx: Session, digests: Collection[bytes], user_id: int | None, now: datetime) -> bool:
    """Whether a name with one of these digests is kept now, and not for this account."""
    kept = select(FreedUsername.digest).where(
        FreedUsername.digest.in_(digests),
        FreedUsername.ends_at > now,
        FreedUsername.user_id.is_distinct_from(user_id or 0),
    )
    return tx.execute(kept.limit(1)).first() is not None


def kept_among(tx: Session, digests: Collection[bytes], now: datetime) -> set[bytes]:
    """Return those of these digests whose names are kept now."""
    kept = select(FreedUsername.digest).where(FreedUsername.digest.in_(digests), FreedUsername.ends_at > now)
    return {*tx.scalars(kept)}


def release(tx: Session, digests: Collection[bytes]) -> None:
    """Delete the rows of a name that an account uses again."""
    tx.execute(delete(FreedUsername).where(FreedUsername.digest.in_(digests)))


def count(tx: Session, user_id: int, now: datetime) -> int:
    """Return how many names are kept for this account now."""
    mine = (FreedUsername.user_id == user_id, FreedUsername.ends_at > now)
    return tx.scalar(select(func.count()).select_from(FreedUsername).where(*mine)) or 0


def of_user(tx: Session, user_id: int) -> Sequence[FreedUsername]:
    """Return the rows of an account, the latest first."""
    mine = select(FreedUsername).where(FreedUsername.user_id == user_id)
    return tx.scalars(mine.order_by(FreedUsername.ends_at.desc(), FreedUsername.digest)).all()


def prune(tx: Session, now: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` names that are no longer kept; return how many."""
    over = FreedUsername.ends_at <= now
    some = select(FreedUsername.digest).where(over).limit(slice_size)
    # Over once more: the name may be given up again meanwhile.
    deleted = delete(FreedUsername).where(over, FreedUsername.digest.in_(some))
    return len(tx.execute(deleted.returning(FreedUsername.digest)).all())
