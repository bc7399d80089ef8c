"""Wrong authenticator codes in a row: after a hundred, codes are refused from that source.

A source is a device from which the account has logged in with a second factor, or all other devices together.
Recovery codes and passkeys go on, and do not count.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import TotpBlocked
from auth.events import Event, Refusal
from auth.mailing import links
from auth.stores import audit, known_devices, totp
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

MAX_WRONG = 100  # in a row; of a million codes, two are right at any time
MAIL = "totp_blocked"


def proven_device(services: Services, tx: Session, account: Account, device_token: str | None) -> UUID | None:
    """Return the device of this token, if it logged in or was used for enrollment since `two_factor_at`.

    Those logins needed the second factor. Devices from before have proven the password only: if each of them
    had a count of its own, an intruder who made fifty known beforehand would have fifty times as many tries.
    """
    device_id = tokens.read_device_token(services, device_token)
    if device_id is None or account.two_factor_at is None:
        return None
    is_proven = known_devices.is_seen_since(tx, account.id, device_id, account.two_factor_at)
    return device_id if is_proven else None


def refuse_if_blocked(
    services: Services, tx: Session, account: Account, device_id: UUID | None, client: ClientInfo
) -> None:
    """Raise `TotpBlocked` if codes are refused from this source, counted for the flow to commit."""
    if wrong_in_a_row(tx, account.id, device_id) < MAX_WRONG:
        return
    services.metrics.second_factors.labels(Refusal.TOTP_BLOCKED).inc()
    now, reason = services.clock.now(), Refusal.TOTP_BLOCKED
    audit.count_refused(tx, Event.SECOND_FACTOR_REFUSED, reason, account.id, now, client)
    links.notify_once_a_day(services, tx, account, MAIL, client)
    raise TotpBlocked


def count_wrong(
    services: Services, tx: Session, account: Account, device_id: UUID | None, client: ClientInfo
) -> None:
    """Count a wrong code for its source. At the last one, mail the owner."""
    if device_id:
        known_devices.count_wrong_totp(tx, account.id, device_id)
    else:
        totp.count_wrong(tx, account.id)
    if wrong_in_a_row(tx, account.id, device_id) >= MAX_WRONG:
        links.notify_once_a_day(services, tx, account, MAIL, client)


def wrong_in_a_row(tx: Session, user_id: int, device_id: UUID | None = None) -> int:
    """Return the wrong codes in a row from this device, or from all that are not proven."""
    return known_devices.wrong_totp(tx, user_id, device_id) if device_id else totp.wrong_in_a_row(tx, user_id)


def blocked_devices(tx: Session, user_id: int) -> int:
    """Return from how many devices with a count of their own codes are refused."""
    return sum(each.totp_failures >= MAX_WRONG for each in known_devices.of_user(tx, user_id))


def clear(tx: Session, user_id: int) -> bool:
    """Forget the wrong codes of all sources; False if there were none."""
    of_devices = known_devices.clear_wrong_totp(tx, user_id)
    return totp.clear_wrong(tx, user_id) or of_devices
