"""What a change of factors ends: trusted devices, pending logins, other sessions."""

from uuid import UUID

from sqlalchemy.orm import Session

from auth.events import EndReason
from auth.sessions import ending
from auth.stores import challenges, known_devices, passkeys, recovery_codes, second_factors, totp
from utils.services import Services


def disable_if_last(services: Services, tx: Session, user_id: int) -> bool:
    """Disable two-factor login and void the recovery codes if no factor is left; False if one is left."""
    factor = totp.of_user(tx, user_id)
    if (factor and factor.confirmed_at) or passkeys.count(tx, user_id):
        return False
    second_factors.disable(tx, user_id)
    recovery_codes.replace(tx, user_id, [], services.clock.now())
    return True


def end_what_factors_opened(services: Services, tx: Session, user_id: int, *, keep: UUID | None) -> None:
    """End what a change of factors invalidates: trusted devices, pending logins, other sessions.

    Also cancels a pending reset of the factors. Without `keep`, the session that stays, no session ends.
    """
    now = services.clock.now()
    second_factors.call_off_reset(tx, user_id)
    known_devices.distrust_all(tx, user_id)
    challenges.void(tx, user_id, now)
    if keep:
        ending.end_others(services, tx, keep, user_id, EndReason.FACTORS_CHANGED, now)
