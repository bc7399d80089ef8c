"""Known devices: the browsers and apps from which an account has logged in before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from models import KnownDevice
from utils.database.engine import insert_into


def mark_seen(tx: Session, user_id: int, device_id: UUID, now: datetime) -> bool:
    """Whether the account knows this device; record a login from it."""
    seen = (
        update(KnownDevice)
        .where(*_one(user_id, device_id))
        .values(last_seen_at=now, reset_at=None)
        .returning(KnownDevice.device_id)
    )
    return tx.execute(seen).one_or_none() is not None


def failures(tx: Session, user_id: int, device_id: UUID) -> int | None:
    """Return the wrong passwords in a row from this device; None if the account does not know it."""
    return tx.scalar(select(KnownDevice.failures).where(*_one(user_id, device_id)))


def first_seen(tx: Session, user_id: int, device_id: UUID, *, in_force_at: datetime) -> datetime | None:
    """Return when the account first saw this device.

    None if it does not know it, or if the password was reset by mail until `in_force_at` and after the last
    login from the device.
    """
    in_force = or_(KnownDevice.reset_at.is_(None), KnownDevice.reset_at > in_force_at)
    return tx.scalar(select(KnownDevice.first_seen_at).where(*_one(user_id, device_id), in_force))


def note_reset(tx: Session, user_id: int, now: datetime) -> None:
    """Record a reset of the password by mail, the first one since the last login from each device."""
    since_login = (KnownDevice.user_id == user_id, KnownDevice.reset_at.is_(None))
    tx.execute(update(KnownDevice).where(*since_login).values(reset_at=now))


def count_failure(tx: Session, user_id: int, device_id: UUID) -> None:
    """Count a wrong password from this device."""
    _set_failures(tx, KnownDevice.failures + 1, user_id, KnownDevice.device_id == device_id)


def reset_failures(tx: Session, user_id: int, device_id: UUID, limit: int) -> bool:
    """Reset the failures of this device if there are fewer than `limit`; False if not."""
    few = (KnownDevice.device_id == device_id, KnownDevice.failures < limit)
    return _set_failures(tx, 0, user_id, *few)


def reset_all_failures(tx: Session, user_id: int) -> None:
    """Reset the failures of every device of the account."""
    _set_failures(tx, 0, user_id)


def _set_failures(tx: Session, to: Any, user_id: int, *where: ColumnElement[bool]) -> bool:
    changed = update(KnownDevice).where(KnownDevice.user_id == user_id, *where).values(failures=to)
    returned = changed.returning(KnownDevice.device_id)
    return bool(tx.execute(returned).all())


def is_known(tx: Session, user_id: int, device_id: UUID) -> bool:
    """Whether the account knows this device."""
    return failures(tx, user_id, device_id) is not None


def is_any_known(tx: Session, user_id: int) -> bool:
    """Whether the account was ever logged in to from a device that it still knows."""
    return tx.scalar(select(KnownDevice.user_id).where(KnownDevice.user_id == user_id).limit(1)) is not None


def is_seen_since(tx: Session, user_id: int, device_id: UUID, since: datetime) -> bool:
    """Whether the account was used from this device then or later, with a login or `note_use`."""
    seen = select(KnownDevice.device_id).where(*_one(user_id, device_id), KnownDevice.last_seen_at >= since)
    return tx.scalar(seen) is not None


def note_use(tx: Session, user_id: int, device_id: UUID, now: datetime) -> None:
    """Record a use of the account from this device that is no login."""
    tx.execute(update(KnownDevice).where(*_one(user_id, device_id)).values(last_seen_at=now))


def wrong_totp(tx: Session, user_id: int, device_id: UUID) -> int:
    """Return the wrong authenticator codes in a row from this device."""
    return tx.scalar(select(KnownDevice.totp_failures).where(*_one(user_id, device_id))) or 0


def count_wrong_totp(tx: Session, user_id: int, device_id: UUID) -> None:
    """Count a wrong authenticator code from this device."""
    counted = update(KnownDevice).where(*_one(user_id, device_id))
    tx.execute(counted.values(totp_failures=KnownDevice.totp_failures + 1))


def clear_wrong_totp(tx: Session, user_id: int) -> bool:
    """Forget the wrong authenticator codes of every device of the account; False if there were none."""
    cleared = update(KnownDevice).where(KnownDevice.user_id == user_id, KnownDevice.totp_failures > 0)
    returned = cleared.values(totp_failures=0).returning(KnownDevice.device_id)
    return bool(tx.execute(returned).all())


def is_trusted(tx: Session, user_id: int, device_id: UUID, now: datetime) -> bool:
    """Whether a login from this device needs no second factor now."""
    until = select(KnownDevice.trusted_until).where(*_one(user_id, device_id))
    return tx.scalar(until.where(KnownDevice.trusted_until > now)) is not None


def trust(tx: Session, user_id: int, device_id: UUID, until: datetime, *, renamed: UUID) -> None:
    """Trust this device until then, under a new id."""
    trusted = update(KnownDevice).where(*_one(user_id, device_id))
    tx.execute(trusted.values(trusted_until=until, device_id=renamed))


def distrust_all(tx: Session, user_id: int) -> None:
    """Trust no device of the account any more."""
    mine = (KnownDevice.user_id == user_id, KnownDevice.trusted_until.is_not(None))
    trusted = update(KnownDevice).where(*mine).values(trusted_until=None)
    tx.execute(trusted)


def add(tx: Session, user_id: int, device_id: UUID, now: datetime) -> None:
    """Add a known device."""
    values = {"user_id": user_id, "device_id": device_id, "first_seen_at": now, "last_seen_at": now}
    tx.execute(insert_into(tx, KnownDevice).values(**values).on_conflict_do_nothing())


def forget_beyond(tx: Session, user_id: int, limit: int) -> None:
    """Delete the least recently seen devices of the account beyond `limit`."""
    mine = KnownDevice.user_id == user_id
    beyond = select(KnownDevice.device_id).where(mine)
    beyond = beyond.order_by(KnownDevice.last_seen_at.desc(), KnownDevice.device_id).offset(limit)
    _delete(tx, mine, KnownDevice.device_id.in_(beyond))


def forget_all(tx: Session, user_id: int) -> int:
    """Delete every known device of the account; return how many."""
    deleted = delete(KnownDevice).where(KnownDevice.user_id == user_id).returning(KnownDevice.device_id)
    return len(tx.execute(deleted).all())


def of_user(tx: Session, user_id: int) -> Sequence[KnownDevice]:
    """Return the account's devices, the latest seen first."""
    mine = select(KnownDevice).where(KnownDevice.user_id == user_id)
    return tx.scalars(mine.order_by(KnownDevice.last_seen_at.desc(), KnownDevice.device_id)).all()


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` devices last seen before this time; return how many."""
    # By the whole key, as Postgres finds no device by its id alone. Old once more: it may be seen meanwhile.
    key, old = (KnownDevice.user_id, KnownDevice.device_id), KnownDevice.last_seen_at < before
    some = select(*key).where(old).limit(slice_size)
    deleted = delete(KnownDevice).where(old, tuple_(*key).in_(some)).returning(KnownDevice.device_id)
    return len(tx.execute(deleted).all())


def _one(user_id: int, device_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return KnownDevice.user_id == user_id, KnownDevice.device_id == device_id


def _delete(tx: Session, *where: ColumnElement[bool]) -> None:
    tx.execute(delete(KnownDevice).where(*where))
