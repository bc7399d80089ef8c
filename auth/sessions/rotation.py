"""Refresh token rotation with reuse detection (RFC 9700, 4.14)."""

from collections.abc import Sequence

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
from auth.sessions import ending, lifetimes
from auth.stores import audit, sessions, users
from models import Account, SessionState
from utils.client_info import ClientInfo
from utils.errors import InvalidInput
from utils.languages.text import Text
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.token_rotation import Standing, is_first_of_hour, standing

Found = tuple[SessionState, Account]


def refresh(
    services: Services, presented: Sequence[str], client: ClientInfo, count: CountCall
) -> tokens.TokenPair:
    """Exchange a refresh token for a new pair and use up its generation (RFC 9700, 4.14).

    The direct parent of the present token gets the same successor for a while (`utils.token_rotation`). Any
    other used token is reuse, and ends the session. Raises `RefreshTokenMissing`, `RefreshTokenInvalid`,
    `RefreshTokenExpired` or `RefreshTokenReused`, `InvalidInput` when two tokens are presented, and
    `TooManyRequests`: genuine tokens count for their session, all others for the client's network.
    """
    if len(presented) > 1:
        raise InvalidInput(fields={"refresh_token": Text("send it in the body or as the cookie, not both")})
    token = tokens.read_refresh(presented[0]) if presented else None
    found = _genuine(services, token)
    if token is None or found is None:
        count("refresh", client.subjects)
        raise RefreshTokenInvalid if presented else RefreshTokenMissing
    count("refresh-session", token.session_id.hex)
    current, account = _usable(services, found)
    stands = standing(token.generation, current, services.clock.now())
    if stands is Standing.NEWER:
        raise RefreshTokenInvalid
    if stands is Standing.PRESENT:
        if rotated := _rotate(services, current, client):
            return tokens.issue(services, rotated, account, services.clock.now())
        # A concurrent call was faster; read its result.
        current, account = _usable(services, _genuine(services, token))
        stands = standing(token.generation, current, services.clock.now())
    if stands is Standing.PARENT_IN_GRACE:
        return tokens.issue(services, current, account, services.clock.now())
    _end_reused(services, current, client)
    raise RefreshTokenReused


def _genuine(services: Services, token: tokens.RefreshToken | None) -> Found | None:
    """Return the session of this token, and its account, if the token is genuine. One read."""
    found = sessions.found(services.reads, token.session_id) if token else None
    return found if token and found and tokens.is_genuine(services, token, found[0]) else None


def _usable(services: Services, found: Found | None) -> Found:
    if found is None or refusal(found[1], Use.REFRESH):
        raise RefreshTokenInvalid
    # One that ran out says so, before and after pruning ends it; one that was ended in time does not.
    if min(found[0].idle_end, found[0].absolute_end) <= (found[0].ended_at or services.clock.now()):
        raise RefreshTokenExpired
    if found[0].ended_at:
        raise RefreshTokenInvalid
    return found


def _rotate(services: Services, current: SessionState, client: ClientInfo) -> SessionState | None:
    """Return the session one generation on, or None if another call rotated or ended it first.

    The first rotation of an hour writes an audit event, in its transaction. `current` tells which that is:
    the statement rotates only the generation that was read, so `rotated_at` is still the same. Any other is a
    single statement. If it is repeated after a lost connection, the caller finds its result as that of
    another call.
    """
    now = services.clock.now()
    until = min(lifetimes.idle_end(services, now, remembered=current.remembered), current.absolute_end)
    if not is_first_of_hour(current.rotated_at, now):
        return sessions.rotate(services.reads, current, now, until, client)
    tx = services.tx()
    users.lock_shared(tx, current.user_id)  # before its session: an erasure locks in this order
    rotated = sessions.rotate(tx, current, now, until, client)
    if rotated is None:
        tx.rollback()
        return None
    audit.append(tx, Event.SESSION_REFRESHED, now, client, user_id=current.user_id, session_id=current.id)
    tx.commit()
    return rotated


def _end_reused(services: Services, current: SessionState, client: ClientInfo) -> None:
    tx, now = services.tx(), services.clock.now()
    users.lock_shared(tx, current.user_id)
    if ending.end(services, tx, current.id, current.user_id, EndReason.REUSE, now):
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
