"""A completed login: the session, its tokens, and whether the device is known."""

from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy.orm import Session

from auth import tokens
from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets
from auth.mailing import links, messages
from auth.sessions import ending, lifetimes, rotation
from auth.stores import audit, known_devices, sessions
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

MAX_LIVE_SESSIONS = 50
MAX_DEVICES = 50  # known ones of an account


class CompletedLogin(NamedTuple):
    """A completed login: the account, the tokens of its session, and the device token."""

    account: Account
    tokens: tokens.TokenPair
    device_token: str


def complete(
    services: Services,
    tx: Session,
    account: Account,
    client: ClientInfo,
    *,
    amr: str,
    remember: bool,
    device_token: str | None = None,
    replaces: str | None = None,
    event: Event = Event.SIGNED_IN,
    by_factor: bool = False,
    announce: bool = True,
    auth_time: datetime | None = None,
) -> CompletedLogin:
    """Start a session for an account whose proof was accepted and which this transaction holds locked.

    Ends the session whose refresh token is in `replaces`, also that of another account, and the least
    recently used session beyond `MAX_LIVE_SESSIONS`. Mails the owner about a device that the account does not
    know, if `announce`. A login `by_factor` cancels a pending reset of the factors. `auth_time` is when the
    proof was given, if that was earlier.
    """
    now = services.clock.now()
    if by_factor and account.factors_reset_due_at:
        resets.cancel(services, tx, account, client)
    recognized = _recognize_device(services, tx, account, client, device_token, announce=announce)
    if replaces and (old := rotation.session_of(services, tx, replaces)):
        ending.end(services, tx, old.id, old.user_id, EndReason.REPLACED, now)
    started = sessions.start(
        tx,
        user_id=account.id,
        remembered=remember,
        amr=amr,
        now=now,
        idle_end=lifetimes.idle_end(services, now, remembered=remember),
        absolute_end=lifetimes.absolute_end(services, now, remembered=remember),
        client=client,
        by_factor=by_factor,
        auth_time=auth_time,
    )
    ending.end_oldest_beyond(services, tx, MAX_LIVE_SESSIONS, started, now)
    services.metrics.sessions_started.inc()
    audit.append(tx, event, now, client, user_id=account.id, session_id=started.id)
    return CompletedLogin(account, tokens.issue(services, started, account, now), recognized)


def _recognize_device(
    services: Services,
    tx: Session,
    account: Account,
    client: ClientInfo,
    token: str | None,
    *,
    announce: bool,
) -> str:
    """Return the device token of the call if it is genuine, else a new one.

    One token serves all accounts of a browser; each account has its own known devices.
    """
    now = services.clock.now()
    device_id = tokens.read_device_token(services, token) or uuid4()
    if not known_devices.mark_seen(tx, account.id, device_id, now):
        if announce:
            facts = messages.client_facts(client, now)
            links.send_link(services, tx, account, LinkPurpose.DISOWN, "new_sign_in", facts)
        known_devices.add(tx, account.id, device_id, now)
        known_devices.forget_beyond(tx, account.id, MAX_DEVICES)
    return tokens.device_token(services, device_id)
