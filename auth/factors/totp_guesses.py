"""Wrong authenticator codes in a row: after a hundred, codes are refused from that source.

A source is a device that the account knew before, or all unknown ones together. Recovery codes and passkeys
go on, and do not count.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import TotpBlocked
from auth.events import Event, Refusal
from auth.mailing import links
from auth.stores import audit, known_devices, outbox, totp
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

MAX_WRONG = 100  # in a row; of a million codes, two are right at any time
MAIL = "totp_blocked"
DAY = timedelta(days=1)


def known_device(services: Services, tx: Session, account: Account, device_token: str | None) -> UUID | None:
    """Return the device of this token if the account knows it."""
    device_id = tokens.read_device_token(services, device_token)
    return device_id if device_id and known_devices.is_known(tx, account.id, device_id) else None


def refuse_if_blocked(
    services: Services, tx: Session, account: Account, device_id: UUID | None, client: ClientInfo
) -> None:
    """Raise `TotpBlocked` if codes are refused from this source, with a mail a day for the flow to commit."""
    if wrong_in_a_row(tx, account.id, device_id) < MAX_WRONG:
        return
    services.metrics.second_factors.labels(Refusal.TOTP_BLOCKED).inc()
    _notify(services, tx, account, client)
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
        _notify(services, tx, account, client)


def wrong_in_a_row(tx: Session, user_id: int, device_id: UUID | None = None) -> int:
    """Return the wrong codes in a row from this device, or from all unknown ones."""
    return known_devices.wrong_totp(tx, user_id, device_id) if device_id else totp.wrong_in_a_row(tx, user_id)


def clear(tx: Session, user_id: int) -> bool:
    """Forget the wrong codes of all sources; False if there were none."""
    of_devices = known_devices.clear_wrong_totp(tx, user_id)
    return totp.clear_wrong(tx, user_id) or of_devices


def _notify(services: Services, tx: Session, account: Account, client: ClientInfo) -> None:
    """Tell the owner, at most once a day."""
    now = services.clock.now()
    if outbox.written_since(tx, account.id, MAIL, now - DAY):
        return
    reason = Refusal.TOTP_BLOCKED
    audit.append(tx, Event.SECOND_FACTOR_REFUSED, now, client, user_id=account.id, reason=reason)
    links.notify(services, tx, account, MAIL, client)
