"""Challenges: sign-ins that wait for a second factor. One conditional statement uses one up."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from models import AuthChallenge


class ChallengePurpose(StrEnum):
    """What a challenge is good for; it is good for nothing else."""

    SIGN_IN = "sign_in"  # the second factor, after the password
    PASSKEY_SIGN_IN = "passkey_sign_in"
    NEW_PASSKEY = "new_passkey"
    REAUTH = "reauth"


def issue(
    tx: Session,
    purpose: ChallengePurpose,
    user_id: int | None,
    *,
    now: datetime,
    expires_at: datetime,
    remembered: bool = False,
) -> AuthChallenge:
    """A new challenge for this purpose and attempt, of this account or of whoever can answer it."""
    issued = AuthChallenge(
        id=uuid4(),
        purpose=purpose,
        user_id=user_id,
        nonce=secrets.token_bytes(16),
        remembered=remembered,
        created_at=now,
        expires_at=expires_at,
    )
    tx.add(issued)
    tx.flush()
    return issued


def by_id(tx: Session, challenge_id: UUID) -> AuthChallenge | None:
    """The challenge as it stands now, used or not."""
    return tx.get(AuthChallenge, challenge_id, populate_existing=True)


def use(tx: Session, challenge_id: UUID, now: datetime) -> bool:
    """Use it up; False if it was used, voided or has expired meanwhile."""
    living = (AuthChallenge.id == challenge_id, AuthChallenge.expires_at > now)
    return bool(_use(tx, now, *living))


def void(tx: Session, user_id: int, now: datetime) -> None:
    """Void all challenges of an account: what they were answers to has changed."""
    _use(tx, now, AuthChallenge.user_id == user_id)


def void_beyond(tx: Session, limit: int, newest: AuthChallenge, now: datetime) -> None:
    """Void the oldest living ones of the same account and purpose beyond `limit`, but never the newest."""
    siblings = (
        AuthChallenge.purpose == newest.purpose,
        AuthChallenge.user_id == newest.user_id,
        AuthChallenge.id != newest.id,
        AuthChallenge.used_at.is_(None),
        AuthChallenge.expires_at > now,
    )
    beyond = select(AuthChallenge.id).where(*siblings)
    beyond = beyond.order_by(AuthChallenge.created_at.desc(), AuthChallenge.id).offset(limit - 1)
    _use(tx, now, AuthChallenge.id.in_(beyond))


def of_user(tx: Session, user_id: int) -> Sequence[AuthChallenge]:
    """All that is kept of an account's challenges, the newest first."""
    mine = select(AuthChallenge).where(AuthChallenge.user_id == user_id)
    return tx.scalars(mine.order_by(AuthChallenge.created_at.desc(), AuthChallenge.id)).all()


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most so many that were used, or expired, before this moment; how many there were."""
    over = or_(AuthChallenge.used_at < before, AuthChallenge.expires_at < before)
    some = select(AuthChallenge.id).where(over).limit(slice_size)
    deleted = delete(AuthChallenge).where(AuthChallenge.id.in_(some)).returning(AuthChallenge.id)
    return len(tx.execute(deleted).all())


def _use(tx: Session, now: datetime, *where: ColumnElement[bool]) -> int:
    used = (
        update(AuthChallenge)
        .where(*where, AuthChallenge.used_at.is_(None))
        .values(used_at=now)
        .returning(AuthChallenge.id)
    )
    return len(tx.execute(used).all())
