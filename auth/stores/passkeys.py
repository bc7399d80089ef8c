"""Passkeys: the public keys of an account's authenticators, and the counters that tell copies."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from models import Passkey
from utils.crypto.passkeys import Assertion, NewPasskey
from utils.database.engine import insert_into


def add(
    tx: Session, user_id: int, user_handle: bytes, name: str, new: NewPasskey, now: datetime
) -> UUID | None:
    """Add a passkey and return its id; None if the credential is registered already."""
    values = new._asdict() | {"user_handle": user_handle, "name": name, "created_at": now}
    added = insert_into(tx, Passkey).values(id=uuid4(), user_id=user_id, **values)
    return tx.execute(added.on_conflict_do_nothing().returning(Passkey.id)).scalar()


def of_user(tx: Session, user_id: int) -> Sequence[Passkey]:
    """Return the account's passkeys, the oldest first."""
    mine = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.created_at, Passkey.id)
    return tx.scalars(mine.execution_options(populate_existing=True)).all()


def by_credential(tx: Session, credential_id: bytes) -> Passkey | None:
    """Return the passkey of this credential, of any account."""
    return tx.scalars(select(Passkey).where(Passkey.credential_id == credential_id)).one_or_none()


def count(tx: Session, user_id: int) -> int:
    """Return how many passkeys the account has."""
    return tx.scalar(select(func.count()).select_from(Passkey).where(Passkey.user_id == user_id)) or 0


def use(tx: Session, passkey_id: UUID, proof: Assertion, now: datetime, *, is_alone: bool) -> bool:
    """Update the counter; False if it did not rise, which means that a copy exists (WebAuthn, 6.1.1).

    Authenticators without a counter say 0 each time. False also for a passkey that needs the password, if it
    `is_alone`: the whole proof of a login. Any other use comes with the password, or from a session, and ends
    that need.
    """
    goes_up = Passkey.sign_count < proof.sign_count if proof.sign_count else Passkey.sign_count == 0
    values = {"sign_count": proof.sign_count, "backed_up": proof.backed_up, "last_used_at": now}
    allowed = (Passkey.needs_password.is_(False),) if is_alone else ()
    return _changed(tx, Passkey.id == passkey_id, goes_up, *allowed, needs_password=False, **values)


def require_password(tx: Session, user_id: int, since: datetime) -> None:
    """Let passkeys added then or later not log in without the password, until one login with it."""
    _changed(tx, Passkey.user_id == user_id, Passkey.created_at >= since, needs_password=True)


def rename(tx: Session, user_id: int, passkey_id: UUID, name: str) -> bool:
    """Rename the passkey; False if the account does not have it."""
    return _changed(tx, Passkey.id == passkey_id, Passkey.user_id == user_id, name=name)


def remove(tx: Session, user_id: int, passkey_id: UUID) -> bool:
    """Delete the passkey; False if the account does not have it."""
    mine = delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id).returning(Passkey.id)
    return tx.execute(mine).scalar() is not None


def remove_all(tx: Session, user_id: int, since: datetime | None = None) -> None:
    """Delete the account's passkeys; with `since`, those added then or later."""
    mine = delete(Passkey).where(Passkey.user_id == user_id)
    if since is not None:
        mine = mine.where(Passkey.created_at >= since)
    tx.execute(mine)


def _changed(tx: Session, *where: ColumnElement[bool], **values: object) -> bool:
    changed = update(Passkey).where(*where).values(**values).returning(Passkey.id)
    return bool(tx.execute(changed).all())
