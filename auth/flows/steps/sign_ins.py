"""A completed sign-in: the session, its tokens, and whether the device was seen before."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy.orm import Session

from auth import mails, tokens
from auth.events import EndReason, Event, Purpose
from auth.flows.steps import factor_resets, links
from auth.stores import audit, known_devices, sessions
from models import Account, SessionState
from utils.client_info import ClientInfo
from utils.services import Services

MAX_LIVING_SESSIONS = 50
MAX_DEVICES = 50  # known ones of an account


class SignIn(NamedTuple):
    """A completed sign-in: who, the tokens of the new session, and the mark of the device."""

    account: Account
    tokens: tokens.TokenPair
    device_mark: str


def complete(
    services: Services,
    session: Session,
    account: Account,
    client: ClientInfo,
    *,
    amr: str,
    remember: bool,
    device_mark: str | None = None,
    replaces: str | None = None,
    event: Event = Event.SIGNED_IN,
    by_factor: bool = False,
) -> SignIn:
    """Start a session for an account whose proof was accepted and which this transaction holds locked.

    Ends the session whose refresh token is in `replaces`, whoever's it is, and the least
    recently used one of the account beyond `MAX_LIVING_SESSIONS`. A device that the account
    does not know is told to its owner. A reset of the factors that waits is over: whoever signs in
    `by_factor` has not lost them.
    """
    now = services.clock.now()
    if by_factor and account.factors_reset_due_at:
        factor_resets.stop(services, session, account, client)
    mark = _recognise(services, session, account, client, device_mark)
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
        by_factor=by_factor,
    )
    beyond = sessions.end_oldest_beyond(session, MAX_LIVING_SESSIONS, started, now)
    services.metrics.sessions_ended.labels(EndReason.TOO_MANY).inc(beyond)
    services.metrics.sessions_started.inc()
    audit.append(session, event, now, client, user_id=account.id, session_id=started.id)
    return SignIn(account, tokens.issue(services, started, account, now), mark)


def _recognise(
    services: Services, session: Session, account: Account, client: ClientInfo, mark: str | None
) -> str:
    """The device's mark: the one it showed, if it is genuine, else a new one.

    One mark serves all accounts of a browser; each account knows its own devices.
    """
    now = services.clock.now()
    device_id = tokens.read_device_mark(services, mark) or uuid4()
    if not known_devices.recognise(session, account.id, device_id, now):
        facts = mails.client_facts(client, now)
        links.send_link(services, session, account, Purpose.DISOWN, "new_sign_in", facts)
        known_devices.add(session, account.id, device_id, now)
        known_devices.forget_beyond(session, account.id, MAX_DEVICES)
    return tokens.device_mark(services, device_id)


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


def session_of(services: Services, session: Session, refresh_token: str) -> SessionState | None:
    """The session that a genuine refresh token of any generation belongs to, ended or not."""
    token = tokens.read_refresh(refresh_token)
    found = sessions.with_account(session, token.session_id) if token else None
    if token is None or found is None or not tokens.is_genuine(services, token, found[0]):
        return None
    return found[0]
