"""Data export: everything stored about an account."""

from collections.abc import Sequence
from dataclasses import dataclass

from auth.events import Event
from auth.sessions import step_up
from auth.stores import (
    audit,
    challenges,
    freed_usernames,
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
    FreedUsername,
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
    """Everything that is stored about an account."""

    user: User
    sessions: Sequence[UserSession]
    devices: Sequence[KnownDevice]
    authenticators: Sequence[TotpFactor]
    recovery_codes: Sequence[RecoveryCode]
    passkeys: Sequence[Passkey]
    challenges: Sequence[AuthChallenge]
    links: Sequence[OneTimeToken]
    mails: Sequence[OutgoingMail]
    freed_usernames: Sequence[FreedUsername]
    events: Sequence[AuditEvent]


def export(services: Services, principal: Principal, client: ClientInfo) -> Export:
    """Return everything that is stored about the caller. Raises `ReauthRequired` without a fresh login."""
    current = step_up.fresh_session(services, principal)
    tx, now, user_id = services.tx(), services.clock.now(), principal.user_id
    audit.append(tx, Event.DATA_EXPORTED, now, client, user_id=user_id, session_id=current)
    tx.commit()
    user = users.row_by_id(tx, user_id)
    if user is None:  # erased a moment ago
        raise TokenInvalid
    return Export(
        user,
        sessions.of_user(tx, user_id),
        known_devices.of_user(tx, user_id),
        [factor] if (factor := totp.of_user(tx, user_id)) else [],
        recovery_codes.of_user(tx, user_id),
        passkeys.of_user(tx, user_id),
        challenges.of_user(tx, user_id),
        one_time_tokens.of_user(tx, user_id),
        outbox.of_user(tx, user_id),
        freed_usernames.of_user(tx, user_id),
        audit.of_user(tx, user_id),
    )
