"""Revocation: end the sessions and tokens of an account, lock an intruder out, erase the account."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets
from auth.mailing import links, messages
from auth.stores import (
    audit,
    challenges,
    known_devices,
    one_time_tokens,
    second_factors,
    sessions,
    users,
)
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

# Links that let a password or an address be set.
CREDENTIAL_LINKS = (LinkPurpose.VERIFY, LinkPurpose.RESET, LinkPurpose.EMAIL_CHANGE)
# Those, and what was mailed about sign-ins that are over now. Undo and restore, the ways back, stay.
SESSION_LINKS = (*CREDENTIAL_LINKS, LinkPurpose.DISOWN)


def revoke_all(
    services: Services,
    session: Session,
    user_id: int,
    reason: EndReason,
    *,
    purposes: Iterable[LinkPurpose] = SESSION_LINKS,
) -> int:
    """End all sessions, waiting sign-ins, tokens and such links of an account; how many sessions it had."""
    now = services.clock.now()
    users.void_tokens(session, user_id, now)
    challenges.void(session, user_id, now)
    one_time_tokens.void(session, user_id, purposes, now)
    ended = sessions.end_all(session, user_id, reason, now)
    services.metrics.sessions_ended.labels(reason).inc(ended)
    return ended


def lock_out(
    services: Services, session: Session, account: Account, reason: EndReason, *, since: datetime
) -> None:
    """Somebody else was in this account since then: whatever they hold opens nothing any more.

    Every session and device is gone, and the factors that were added since, at once or after a day
    (`factor_resets.suspect`); a deletion or a reset of factors that they may have asked for is called off,
    and the password is blocked until a reset, whose link is mailed.
    """
    revoke_all(services, session, account.id, reason, purposes=(*SESSION_LINKS, LinkPurpose.RESTORE))
    users.block_password(session, account.id, services.clock.now())
    users.call_off_deletion(session, account.id)
    known_devices.forget_all(session, account.id)
    second_factors.call_off_reset(session, account.id)
    due = resets.remove_suspect_factors(services, session, account, since)
    facts = {"factors_due": messages.moment_text(due) if due else ""}
    links.send_link(services, session, account, LinkPurpose.RESET, "password_blocked", facts, limited=False)


def erase(
    services: Services,
    session: Session,
    user_id: int,
    event: Event,
    client: ClientInfo,
    operator: str | None = None,
) -> None:
    """Erase an account that this transaction holds locked: its row and all that hangs on it.

    Its audit events stay, without a word about the person; so does the event of the erasure, whose
    caller may be that person.
    """
    audit.forget_person(session, user_id)
    users.erase(session, user_id)
    nobody = ClientInfo(address=None, user_agent="", request_id=client.request_id)
    audit.append(session, event, services.clock.now(), nobody, operator=operator)


def disown(services: Services, token: str, client: ClientInfo) -> None:
    """ "This wasn't me": end every session, forget every device, and block the password until a reset.

    The link for the reset is mailed. A deletion that the intruder may have asked for is called off.
    Raises `LinkUnknown`, `LinkExpired` or `LinkUsed`.
    """
    session, now = services.session(), services.clock.now()
    try:
        link = links.open_link(services, token, LinkPurpose.DISOWN, client=client)
        account = links.consume(services, link, client)
    except links.REFUSALS:
        session.commit()
        raise
    lock_out(services, session, account, EndReason.DISOWNED, since=link.created_at)
    audit.append(session, Event.SIGN_IN_DISOWNED, now, client, user_id=account.id)
    session.commit()
