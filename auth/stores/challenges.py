"""Challenges: pending logins, and the WebAuthn ceremonies that browsers answer."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import Table
from sqlalchemy.orm import Session

from auth.stores import single_use
from auth.stores.pages import AccountPages
from models import AuthChallenge
from utils.database.engine import insert_into


class ChallengePurpose(StrEnum):
    """The one purpose of a challenge."""

    SIGN_IN = "sign_in"  # the second factor, after the password
    PASSKEY_SIGN_IN = "passkey_sign_in"  # a row from the moment on at which it was answered
    NEW_PASSKEY = "new_passkey"
    REAUTH = "reauth"


PAGES = AccountPages(cast(Table, AuthChallenge.__table__), "created_at", "id")


def issue(
    tx: Session,
    purpose: ChallengePurpose,
    user_id: int,
    *,
    now: datetime,
    expires_at: datetime,
    remembered: bool = False,
) -> AuthChallenge:
    """Issue a challenge of this account."""
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
    """Return the challenge as it stands now, used or not."""
    return single_use.by_id(tx, AuthChallenge, challenge_id)


def use(tx: Session, challenge_id: UUID, now: datetime) -> bool:
    """Use the challenge; False if it is used, voided or expired, even since a moment ago."""
    return single_use.use(tx, AuthChallenge, challenge_id, now)


def remember(
    tx: Session,
    purpose: ChallengePurpose,
    challenge_id: UUID,
    user_id: int,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Store a challenge that had no row as used by this account; False if it was used before.

    The primary key decides which of many callers uses it.
    """
    used = insert_into(tx, AuthChallenge).values(
        id=challenge_id,
        purpose=purpose,
        user_id=user_id,
        nonce=b"",
        remembered=False,
        created_at=now,
        expires_at=expires_at,
        used_at=now,
    )
    return tx.execute(used.on_conflict_do_nothing().returning(AuthChallenge.id)).scalar() is not None


def void(tx: Session, user_id: int, now: datetime) -> None:
    """Void all challenges of an account: what they were answers to has changed."""
    single_use.void(tx, AuthChallenge, now, AuthChallenge.user_id == user_id)


def void_beyond(tx: Session, limit: int, newest: AuthChallenge, now: datetime) -> None:
    """Void the oldest active ones of the same account and purpose beyond `limit`, but never the newest."""
    single_use.void_beyond(tx, limit, newest, now)


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` that were used, or expired, before this time; return how many."""
    return single_use.prune(tx, AuthChallenge, before, slice_size)
