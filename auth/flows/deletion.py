"""Leaving: asking for the account's deletion, changing one's mind, and taking one's data along."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth import mails
from auth.events import EndReason, Event, Purpose
from auth.flows.steps import endings, factor_resets, links, proofs
from auth.flows.steps.links import LIFETIMES
from auth.stores import (
    audit,
    challenges,
    known_devices,
    one_time_tokens,
    outbox,
    passkeys,
    recovery_codes,
    sessions,
    totp,
    users,
)
from models import (
    AuditEvent,
    AuthChallenge,
    KnownDevice,
    OneTimeToken,
    OutgoingMail,
    Passkey,
    RecoveryCode,
    TotpFactor,
    User,
    UserSession,
)
from utils.client_info import ClientInfo
from utils.errors import TokenInvalid
from utils.services import Principal, Services


@dataclass(frozen=True, slots=True)
class Export:
    """All that is stored about a person."""

    user: User
    sessions: Sequence[UserSession]
    devices: Sequence[KnownDevice]
    authenticators: Sequence[TotpFactor]
    recovery_codes: Sequence[RecoveryCode]
    passkeys: Sequence[Passkey]
    challenges: Sequence[AuthChallenge]
    links: Sequence[OneTimeToken]
    mails: Sequence[OutgoingMail]
    events: Sequence[AuditEvent]


def request(services: Services, principal: Principal, client: ClientInfo) -> datetime:
    """Close the caller's account at once, and erase it after 14 days; when that will be.

    A link that keeps it is mailed. Wants a fresh sign-in: raises `ReauthRequired`.
    """
    proofs.fresh_session(services, principal)
    session, now = services.session(), services.clock.now()
    account = proofs.lock_while_living(services, principal)
    due = now + LIFETIMES[Purpose.RESTORE]
    users.schedule_deletion(session, account.id, due)
    # Whoever leaves may be an intruder: the links that disown their sign-in stay.
    endings.end_everything(
        services, session, account.id, EndReason.DELETION_REQUESTED, purposes=endings.OPENING
    )
    facts = {"erase_at": mails.in_words(due)}
    links.send_link(
        services,
        session,
        account,
        Purpose.RESTORE,
        "deletion_requested",
        facts,
        limited=False,
        expires_at=due,
    )
    audit.append(session, Event.DELETION_REQUESTED, now, client, user_id=account.id)
    session.commit()
    return due


def restore(services: Services, token: str, client: ClientInfo) -> None:
    """Call the deletion off. Signs nobody in. Raises one of the refusals of links."""
    session = services.session()
    try:
        account = links.use(services, links.opened(services, token, Purpose.RESTORE, client=client), client)
    except links.REFUSALS:
        session.commit()
        raise
    now = services.clock.now()
    users.call_off_deletion(session, account.id)
    factor_resets.postpone(services, session, account.id)
    one_time_tokens.void(session, account.id, [Purpose.RESTORE], now)
    links.notify(services, session, account, "account_restored", client)
    audit.append(session, Event.ACCOUNT_RESTORED, now, client, user_id=account.id)
    session.commit()


def export(services: Services, principal: Principal, client: ClientInfo) -> Export:
    """All that is stored about the caller. Wants a fresh sign-in: raises `ReauthRequired`."""
    current = proofs.fresh_session(services, principal)
    session, now, user_id = services.session(), services.clock.now(), principal.user_id
    audit.append(session, Event.DATA_EXPORTED, now, client, user_id=user_id, session_id=current)
    session.commit()
    user = users.whole(session, user_id)
    if user is None:  # erased a moment ago
        raise TokenInvalid
    return Export(
        user,
        sessions.of_user(session, user_id),
        known_devices.of_user(session, user_id),
        [factor] if (factor := totp.of_user(session, user_id)) else [],
        recovery_codes.of_user(session, user_id),
        passkeys.of_user(session, user_id),
        challenges.of_user(session, user_id),
        one_time_tokens.of_user(session, user_id),
        outbox.of_user(session, user_id),
        audit.of_user(session, user_id),
    )
