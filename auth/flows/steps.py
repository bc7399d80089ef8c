"""Sequences that several flows share. A step never commits: the flow that calls it does."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth import tokens
from auth.events import EndReason, Event
from auth.stores import audit, sessions
from models import Account, UserSession
from utils.client_info import ClientInfo
from utils.services import Services

MAX_LIVING_SESSIONS = 50


def complete_sign_in(
    services: Services,
    session: Session,
    account: Account,
    client: ClientInfo,
    *,
    amr: str,
    remember: bool,
    replaces: str | None = None,
) -> tokens.TokenPair:
    """Start a session for an account whose proof was accepted and which this transaction holds locked.

    Ends the session whose refresh token is in `replaces`, whoever's it is, and the least
    recently used one of the account beyond `MAX_LIVING_SESSIONS`.
    """
    now = services.clock.now()
    if replaces and (old := session_of(services, session, replaces)):
        replaced = sessions.end(session, old.id, old.user_id, EndReason.REPLACED, now)
        services.metrics.sessions_ended.labels(EndReason.REPLACED).inc(replaced)
    started = sessions.start(
        session,
        user_id=account.id,
        remembered=remember,
        amr=amr,
        now=now,
        idle_end=idle_end(services, now, remembered=remember),
        absolute_end=absolute_end(services, now, remembered=remember),
        client=client,
    )
    beyond = sessions.end_oldest_beyond(session, MAX_LIVING_SESSIONS, started, now)
    services.metrics.sessions_ended.labels(EndReason.TOO_MANY).inc(beyond)
    services.metrics.sessions_started.inc()
    audit.append(session, Event.SIGNED_IN, now, client, user_id=account.id, session_id=started.id)
    return tokens.issue(services, started, now)


def idle_end(services: Services, now: datetime, *, remembered: bool) -> datetime:
    """When a session that is not used again ends (ASVS 7.3.1)."""
    settings = services.settings
    seconds = settings.remembered_idle_lifetime if remembered else settings.session_idle_lifetime
    return now + timedelta(seconds=seconds)


def absolute_end(services: Services, now: datetime, *, remembered: bool) -> datetime:
    """When a session ends however much it is used (ASVS 7.3.2)."""
    settings = services.settings
    seconds = settings.remembered_absolute_lifetime if remembered else settings.session_absolute_lifetime
    return now + timedelta(seconds=seconds)


def session_of(services: Services, session: Session, refresh_token: str) -> UserSession | None:
    """The session that a genuine refresh token of any generation belongs to, ended or not."""
    token = tokens.read_refresh(refresh_token)
    found = sessions.with_account(session, token.session_id) if token else None
    if token is None or found is None or not tokens.is_genuine(services, token, found[0]):
        return None
    return found[0]
