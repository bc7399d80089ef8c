"""Keys of projects whose password hashes were imported, encrypted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, select, update
from sqlalchemy.orm import Session

from models import ForeignHashKey, User
from utils.crypto.encryption import Encrypted
from utils.database.engine import insert_into
from utils.database.reads import Reads

_COLUMNS: list[Any] = [ForeignHashKey.sealed_secret, ForeignHashKey.key_id]
_BY_ID = select(*_COLUMNS).where(ForeignHashKey.id == bindparam("id"))


def by_id(reads: Reads, key_id: str) -> Encrypted | None:
    """Return the encrypted key of this id, or None."""
    found = reads.first(_BY_ID, {"id": key_id})
    return Encrypted(*found) if found else None


def every(tx: Session) -> Sequence[tuple[str, Encrypted]]:
    """Return all keys with their ids. There is one for each project that was imported."""
    found = select(ForeignHashKey.id, ForeignHashKey.sealed_secret, ForeignHashKey.key_id)
    return [(key, Encrypted(text, by)) for key, text, by in tx.execute(found.order_by(ForeignHashKey.id))]


def add(tx: Session, key_id: str, encrypted: Encrypted, now: datetime) -> None:
    """Store a key, unless one with this id is there."""
    values = {"sealed_secret": encrypted.text, "key_id": encrypted.key_id, "created_at": now}
    tx.execute(insert_into(tx, ForeignHashKey).values(id=key_id, **values).on_conflict_do_nothing())


def replace(tx: Session, key_id: str, old: Encrypted, new: Encrypted) -> bool:
    """Replace an encrypted key; False if it was replaced or removed meanwhile."""
    same = (ForeignHashKey.id == key_id, ForeignHashKey.sealed_secret == old.text)
    changed = update(ForeignHashKey).where(*same).values(sealed_secret=new.text, key_id=new.key_id)
    return tx.execute(changed.returning(ForeignHashKey.id)).scalar() is not None


def counts_by_key(tx: Session) -> dict[str, int]:
    """Return how many keys are encrypted with each encryption key."""
    found = select(ForeignHashKey.key_id, func.count()).group_by(ForeignHashKey.key_id)
    return {row[0]: row[1] for row in tx.execute(found)}


def remove_unused(tx: Session) -> int:
    """Delete the keys that no password hash names; return how many."""
    named = User.password_hash.like("$%$" + ForeignHashKey.id + "$%")
    removed = delete(ForeignHashKey).where(~exists().where(named)).returning(ForeignHashKey.id)
    return len(tx.execute(removed).all())
