"""Authenticator apps: one of each account, whose codes work once, by the step that they are of."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from models import TotpFactor
from utils.crypto.encryption import Encrypted
from utils.database.engine import insert_into


def begin(tx: Session, user_id: int, encrypted: Encrypted, now: datetime) -> bool:
    """Store a secret that waits to be confirmed, in place of an earlier one; False if one is confirmed."""
    values = {
        "sealed_secret": encrypted.text,
        "key_id": encrypted.key_id,
        "created_at": now,
        "confirmed_at": None,
        "last_step": 0,
        "failures": 0,
    }
    begun = (
        insert_into(tx, TotpFactor)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(
            index_elements=[TotpFactor.user_id], set_=values, where=TotpFactor.confirmed_at.is_(None)
        )
        .returning(TotpFactor.user_id)
    )
    return tx.execute(begun).scalar() is not None


def of_user(tx: Session, user_id: int) -> TotpFactor | None:
    """Return the account's authenticator app, confirmed or not."""
    return tx.get(TotpFactor, user_id, populate_existing=True)


def confirm(tx: Session, user_id: int, step: int, now: datetime) -> bool:
    """Confirm the app with a code of this step; False if it is confirmed already, or does not exist."""
    return _changed(tx, user_id, TotpFactor.confirmed_at.is_(None), confirmed_at=now, last_step=step)


def use_step(tx: Session, user_id: int, step: int) -> bool:
    """Use this time step and all before it; False if it or a later one was used (ASVS 6.5.1).

    Of many callers with the same code one succeeds.
    """
    unused = (TotpFactor.confirmed_at.is_not(None), TotpFactor.last_step < step)
    return _changed(tx, user_id, *unused, last_step=step)


def wrong_in_a_row(tx: Session, user_id: int) -> int:
    """Return the wrong codes in a row from unknown devices."""
    return tx.scalar(select(TotpFactor.failures).where(TotpFactor.user_id == user_id)) or 0


def count_wrong(tx: Session, user_id: int) -> None:
    """Count a wrong code from an unknown device, if an app is confirmed."""
    _changed(tx, user_id, TotpFactor.confirmed_at.is_not(None), failures=TotpFactor.failures + 1)


def clear_wrong(tx: Session, user_id: int) -> bool:
    """Forget the wrong codes; False if there were none."""
    return _changed(tx, user_id, TotpFactor.failures > 0, failures=0)


def remove(tx: Session, user_id: int) -> bool:
    """Delete the account's authenticator app; False if it had no confirmed one."""
    removed = delete(TotpFactor).where(TotpFactor.user_id == user_id).returning(TotpFactor.confirmed_at)
    found = tx.execute(removed).one_or_none()
    return found is not None and found[0] is not None


def remove_since(tx: Session, user_id: int, since: datetime) -> None:
    """Delete the account's authenticator app if it was confirmed then or later."""
    made = delete(TotpFactor).where(TotpFactor.user_id == user_id, TotpFactor.confirmed_at >= since)
    tx.execute(made)


def encrypted_with_other_key(
    tx: Session, key_id: str, after: int, limit: int
) -> Sequence[tuple[int, Encrypted]]:
    """Return some secrets, of users above `after`, that are encrypted with another key than this one."""
    columns = (TotpFactor.user_id, TotpFactor.sealed_secret, TotpFactor.key_id)
    found = select(*columns).where(TotpFactor.key_id != key_id, TotpFactor.user_id > after)
    found = found.order_by(TotpFactor.user_id).limit(limit)
    return [(user_id, Encrypted(text, by)) for user_id, text, by in tx.execute(found)]


def counts_by_key(tx: Session) -> dict[str, int]:
    """Return how many secrets are encrypted with each key."""
    found = select(TotpFactor.key_id, func.count()).group_by(TotpFactor.key_id)
    return {row[0]: row[1] for row in tx.execute(found)}


def replace_secret(tx: Session, user_id: int, old: Encrypted, new: Encrypted) -> bool:
    """Replace the encrypted secret; False if it was replaced or removed meanwhile."""
    same = TotpFactor.sealed_secret == old.text
    return _changed(tx, user_id, same, sealed_secret=new.text, key_id=new.key_id)


def _changed(tx: Session, user_id: int, *where: ColumnElement[bool], **values: object) -> bool:
    changed = update(TotpFactor).where(TotpFactor.user_id == user_id, *where).values(**values)
    changed = changed.returning(TotpFactor.user_id)
    return tx.execute(changed).scalar() is not None
