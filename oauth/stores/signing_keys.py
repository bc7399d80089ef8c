"""Signing keys. Each replaces another one of its algorithm, and one insert decides which does."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tables.oauth import SigningKey
from utils.crypto.encryption import Encrypted
from utils.database.engine import insert_into

FIRST = ""  # the predecessor of the first key of an algorithm


class Key(NamedTuple):
    """A snapshot of a key. Columns of `signing_keys`."""

    kid: str
    alg: str
    public_jwk: dict[str, str]
    sealed_private: bytes | None
    key_id: str
    predecessor: str
    created_at: datetime
    signs_from: datetime
    signs_until: datetime
    published_until: datetime
    leaked_at: datetime | None

    @property
    def encrypted(self) -> Encrypted | None:
        """The encrypted private part, or None if it was erased."""
        return None if self.sealed_private is None else Encrypted(self.sealed_private, self.key_id)


_COLUMNS = [getattr(SigningKey, name) for name in Key._fields]
_EVERY = select(*_COLUMNS).order_by(SigningKey.alg.desc(), SigningKey.created_at, SigningKey.signs_from)


def every(tx: Session) -> list[Key]:
    """Return all keys, those of RS256 first, by age. There are a few of each algorithm."""
    return [Key._make(row) for row in tx.execute(_EVERY)]


def add(tx: Session, key: Key) -> bool:
    """Store a key, unless its predecessor was replaced meanwhile; False then.

    The unique pair of algorithm and predecessor decides, for the first key of an algorithm too.
    """
    added = insert_into(tx, SigningKey).values(**key._asdict()).on_conflict_do_nothing()
    return tx.execute(added.returning(SigningKey.kid)).scalar() is not None


def start_at(tx: Session, kid: str, signs_from: datetime, signs_until: datetime, end: datetime) -> None:
    """Set from when to when a key signs, and until when it is published."""
    times = {"signs_from": signs_from, "signs_until": signs_until, "published_until": end}
    tx.execute(update(SigningKey).where(SigningKey.kid == kid, _IS_SOUND).values(**times))


def stop_at(tx: Session, kid: str, signs_until: datetime, published_until: datetime) -> None:
    """Set when a key stops signing, and until when it is published."""
    times = {"signs_until": signs_until, "published_until": published_until}
    tx.execute(update(SigningKey).where(SigningKey.kid == kid, _IS_SOUND).values(**times))


def drop_leaked(tx: Session, kid: str, now: datetime) -> bool:
    """Take a key out of use at once and erase its private part; False if it was so already, or is unknown."""
    dropped = (
        update(SigningKey)
        .where(SigningKey.kid == kid, _IS_SOUND)
        .values(leaked_at=now, signs_until=now, published_until=now, sealed_private=None)
    )
    return tx.execute(dropped.returning(SigningKey.kid)).scalar() is not None


def erase_private(tx: Session, kid: str) -> bool:
    """Erase the private part of a key; False if it was erased already."""
    erased = update(SigningKey).where(SigningKey.kid == kid, SigningKey.sealed_private.is_not(None))
    return tx.execute(erased.values(sealed_private=None).returning(SigningKey.kid)).scalar() is not None


def replace_private(tx: Session, kid: str, old: Encrypted, new: Encrypted) -> bool:
    """Replace the encrypted private part; False if it was replaced or erased meanwhile."""
    same = (SigningKey.kid == kid, SigningKey.sealed_private == old.text)
    changed = update(SigningKey).where(*same).values(sealed_private=new.text, key_id=new.key_id)
    return tx.execute(changed.returning(SigningKey.kid)).scalar() is not None


def leaked_since(tx: Session, since: datetime) -> list[tuple[str, datetime]]:
    """Return the `kid` of each key that leaked at or after this time, and when."""
    found = select(SigningKey.kid, SigningKey.leaked_at).where(SigningKey.leaked_at >= since)
    return [(kid, at) for kid, at in tx.execute(found.order_by(SigningKey.leaked_at)) if at is not None]


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` keys without a private part that were last published before this time."""
    gone = (SigningKey.sealed_private.is_(None), SigningKey.published_until < before)
    some = select(SigningKey.kid).where(*gone).limit(slice_size)
    deleted = delete(SigningKey).where(*gone, SigningKey.kid.in_(some)).returning(SigningKey.kid)
    return len(tx.execute(deleted).all())


_IS_SOUND = SigningKey.leaked_at.is_(None)
