"""Sessions of an account: log out, list, end one, end the others."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from auth.errors import (
    SessionNotFound,
)
from auth.events import EndReason, Event
from auth.sessions import ending, rotation, step_up
from auth.stores import audit, sessions, users
from models import UserSession
from utils.client_info import ClientInfo
from utils.crypto import access_tokens
from utils.services import Principal, Services


def log_out(
    services: Services, *, refresh_tokens: Sequence[str], access_token: str | None, client: ClientInfo
) -> None:
    """End every session that one of these tokens proves. The access token may have expired."""
    tx, now = services.tx(), services.clock.now()
    proven = {(s.id, s.user_id) for text in refresh_tokens if (s := rotation.session_of(services, tx, text))}
    claims = access_tokens.read(services, access_token, allow_expired=True)
    if claims and claims.session_id:
        proven.add((claims.session_id, claims.user_id))
    for session_id, user_id in sorted(proven):
        users.lock_shared(tx, user_id)
        if ending.end(services, tx, session_id, user_id, EndReason.SIGNED_OUT, now):
            audit.append(tx, Event.SIGNED_OUT, now, client, user_id=user_id, session_id=session_id)
    tx.commit()


class LiveSessions(NamedTuple):
    """The live sessions of an account, the calling one, and the names of the apps that each logged in to."""

    rows: Sequence[UserSession]
    current: UUID
    apps: Mapping[UUID, Sequence[str]]


def live_sessions(services: Services, principal: Principal) -> LiveSessions:
    """Return the caller's live sessions."""
    current, tx = step_up.own_session(principal), services.tx()
    rows = sessions.active(tx, principal.user_id, services.clock.now())
    ids = [row.id for row in rows]
    return LiveSessions(rows, current, services.upkeep.apps_of_sessions(services, tx, principal.user_id, ids))


def end_one(services: Services, principal: Principal, session_id: UUID, client: ClientInfo) -> None:
    """End one of the caller's sessions. Raises `SessionNotFound`, also for a session of another account.

    Ending another session than the calling one needs a fresh login (ASVS 7.5.2): a person at an open browser
    could otherwise end the owner's other sessions. Raises `ReauthRequired`.
    """
    if step_up.own_session(principal) != session_id:
        step_up.fresh_session(services, principal)
    tx, now = services.tx(), services.clock.now()
    step_up.lock_for_change(services, principal)
    if not ending.end(services, tx, session_id, principal.user_id, EndReason.REVOKED, now):
        raise SessionNotFound
    audit.append(tx, Event.SESSION_ENDED, now, client, user_id=principal.user_id, session_id=session_id)
    tx.commit()


def end_others(services: Services, principal: Principal, client: ClientInfo) -> int:
    """End all of the caller's sessions but the calling one; return how many. Raises `ReauthRequired`."""
    current = step_up.fresh_session(services, principal)
    tx, now = services.tx(), services.clock.now()
    step_up.lock_for_change(services, principal)
    ended = ending.end_others(services, tx, current, principal.user_id, EndReason.REVOKED, now)
    audit.append(
        tx,
        Event.OTHER_SESSIONS_ENDED,
        now,
        client,
        user_id=principal.user_id,
        session_id=current,
        count=ended,
    )
    tx.commit()
    return ended
