"""What the caller of a mailed link shows of having used the account before.

The mailbox proves the address. A session or a device that is older than a second factor, and was in force
when the factor was added, also proves access from before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth import tokens
from auth.factors import resets
from auth.sessions import rotation
from auth.stores import known_devices, sessions
from utils.services import Principal, Services


class Shown(NamedTuple):
    """The tokens that came with a mailed link, genuine or not."""

    principal: Principal | None  # of a living session
    refresh_tokens: Sequence[str]
    device_tokens: Sequence[str]


def access_since(
    services: Services, tx: Session, user_id: int, shown: Shown, since: datetime
) -> datetime | None:
    """Return since when the caller has had access to this account, or None if they show nothing.

    Counts a session, by its access token, or by its latest refresh token or the one before; and a known
    device. Each must have been in force when the oldest factor was added that an intruder may have added
    since this time: an intruder whom the owner has shut out before must not come back by the mailbox alone. A
    mailed reset of the password ends sessions, and devices until their next login; "this wasn't me" and an
    undone change of address end sessions, and forget devices.
    """
    now, found = services.clock.now(), list[datetime | None]()
    added_at = resets.oldest_suspect(services, tx, user_id, since)
    if added_at is None:
        return None
    if shown.principal and shown.principal.session_id:
        found.append(sessions.began(tx, shown.principal.session_id, user_id, now, in_force_at=added_at))
    for text in shown.refresh_tokens:
        token, session = tokens.read_refresh(text), rotation.session_of(services, tx, text)
        # The present token, or its parent, whose answer may have been lost: not one that was copied long ago.
        if token and session and token.generation >= session.generation - 1:
            found.append(sessions.began(tx, session.id, user_id, now, in_force_at=added_at))
    for text in shown.device_tokens:
        if device_id := tokens.read_device_token(services, text):
            found.append(known_devices.first_seen(tx, user_id, device_id, in_force_at=added_at))
    return min((moment for moment in found if moment), default=None)
