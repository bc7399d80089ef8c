"""Ends: of all that an account's sessions and tokens can do, and of the account itself."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from auth import mails
from auth.events import EndReason, Event, Purpose
from auth.flows.steps import factor_resets, links
from auth.stores import audit, challenges, known_devices, one_time_tokens, second_factors, sessions, users
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

# Links that let a password or an address be set.
OPENING = (Purpose.VERIFY, Purpose.RESET, Purpose.EMAIL_CHANGE)
# Those, and what was mailed about sign-ins that are over now. Undo and restore, the ways back, stay.
OVER = (*OPENING, Purpose.DISOWN)


def end_everything(
    services: Services,
    session: Session,
    user_id: int,
    reason: EndReason,
    *,
    purposes: Iterable[Purpose] = OVER,
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
    end_everything(services, session, account.id, reason, purposes=(*OVER, Purpose.RESTORE))
    users.block_password(session, account.id, services.clock.now())
    users.call_off_deletion(session, account.id)
    known_devices.forget_all(session, account.id)
    second_factors.call_off_reset(session, account.id)
    due = factor_resets.suspect(services, session, account, since)
    facts = {"factors_due": mails.in_words(due) if due else ""}
    links.send_link(services, session, account, Purpose.RESET, "password_blocked", facts, limited=False)


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
