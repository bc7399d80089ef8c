"""Refresh token rotation with reuse detection (RFC 9700, 4.14)."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from auth import tokens
from auth.account_state import Use, refusal
from auth.errors import (
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenMissing,
    RefreshTokenReused,
)
from auth.events import EndReason, Event
from auth.mailing import links
from auth.sessions import lifetimes
from auth.stores import audit, sessions, users
from models import Account, SessionState
from utils.client_info import ClientInfo
from utils.errors import InvalidInput
from utils.services import Services

# How long the parent of the present refresh token still answers with its successor:
# for two tabs that refresh at once, and for an answer that was lost on the way.
REUSE_GRACE = timedelta(seconds=20)


def refresh(services: Services, presented: Sequence[str], client: ClientInfo) -> tokens.TokenPair:
    """Exchange a refresh token for a new pair and use up its generation (RFC 9700, 4.14).

    The direct parent of the present token gets the same successor for `REUSE_GRACE`. Any other used token is
    reuse, and ends the session. Raises `RefreshTokenMissing`, `RefreshTokenInvalid`, `RefreshTokenExpired` or
    `RefreshTokenReused`, and `InvalidInput` when two tokens are presented.
    """
    if not presented:
        raise RefreshTokenMissing
    if len(presented) > 1:
        raise InvalidInput(fields={"refresh_token": "send it in the body or as the cookie, not both"})
    tx, now = services.tx(), services.clock.now()
    token = tokens.read_refresh(presented[0])
    current, account = _usable_session(services, tx, token)
    if token is None or token.generation > current.generation:
        raise RefreshTokenInvalid  # newer than the row: a restored backup, not theft
    if token.generation == current.generation:
        until = min(lifetimes.idle_end(services, now, remembered=current.remembered), current.absolute_end)
        rotated = sessions.rotate(tx, current, now, until, client)
        if rotated:
            audit.append(
                tx, Event.SESSION_REFRESHED, now, client, user_id=rotated.user_id, session_id=rotated.id
            )
            pair = tokens.issue(services, rotated, account, now)
            tx.commit()
            return pair
        tx.rollback()
        # A concurrent call was faster; read its result.
        current, account = _usable_session(services, tx, token)
    if token.generation == current.generation - 1 and _in_grace(services, current):
        return tokens.issue(services, current, account, now)
    _end_reused(services, tx, current, client)
    raise RefreshTokenReused


def _usable_session(
    services: Services, tx: Session, token: tokens.RefreshToken | None
) -> tuple[SessionState, Account]:
    found = sessions.with_account(tx, token.session_id) if token else None
    if token is None or found is None or not tokens.is_genuine(services, token, found[0]):
        raise RefreshTokenInvalid
    current, account = found
    if current.ended_at or refusal(account, Use.REFRESH):
        raise RefreshTokenInvalid
    if min(current.idle_end, current.absolute_end) <= services.clock.now():
        raise RefreshTokenExpired
    return current, account


def _in_grace(services: Services, current: SessionState) -> bool:
    # A clock that was set back must not extend the grace period.
    return current.rotated_at is not None and abs(services.clock.now() - current.rotated_at) <= REUSE_GRACE


def _end_reused(services: Services, tx: Session, current: SessionState, client: ClientInfo) -> None:
    now = services.clock.now()
    if sessions.end(tx, current.id, current.user_id, EndReason.REUSE, now):
        services.metrics.count_ended_sessions(EndReason.REUSE)
        if account := users.by_id(tx, current.user_id):
            links.notify(services, tx, account, "session_stolen", client)
        audit.append(
            tx, Event.REFRESH_TOKEN_REUSED, now, client, user_id=current.user_id, session_id=current.id
        )
    tx.commit()


def session_of(services: Services, tx: Session, refresh_token: str) -> SessionState | None:
    """Return the session of a genuine refresh token of any generation, ended or not, or None."""
    token = tokens.read_refresh(refresh_token)
    found = sessions.with_account(tx, token.session_id) if token else None
    if token is None or found is None or not tokens.is_genuine(services, token, found[0]):
        return None
    return found[0]
