"""Recovery codes: a set of digests for each account, each of which is used once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from models import RecoveryCode, User


def replace(tx: Session, user_id: int, digests: Iterable[bytes], now: datetime) -> None:
    """Replace the set of codes, used ones too."""
    old = delete(RecoveryCode).where(RecoveryCode.user_id == user_id)
    tx.execute(old)
    rows = [{"digest": each, "user_id": user_id, "created_at": now} for each in digests]
    if rows:
        tx.execute(insert(RecoveryCode), rows)
    _set_left(tx, user_id, len(rows))


def use(tx: Session, user_id: int, digest: bytes, now: datetime) -> bool:
    """Use a code of this account; False if it has none such, or it was used. One of many callers succeeds."""
    used = (
        update(RecoveryCode)
        .where(RecoveryCode.digest == digest, RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .returning(RecoveryCode.user_id)
    )
    if tx.execute(used).scalar() is None:
        return False
    _set_left(tx, user_id, User.recovery_codes_left - 1)
    return True


def of_user(tx: Session, user_id: int) -> Sequence[RecoveryCode]:
    """Return when each code of the account was made, and used."""
    mine = select(RecoveryCode).where(RecoveryCode.user_id == user_id)
    return tx.scalars(mine.order_by(RecoveryCode.created_at, RecoveryCode.digest)).all()


def _set_left(tx: Session, user_id: int, left: Any) -> None:
    left_now = update(User).where(User.id == user_id).values(recovery_codes_left=left)
    tx.execute(left_now)
