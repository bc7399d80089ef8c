"""Complete a login with the second factor."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import SecondFactorInvalid, TotpBlocked
from auth.events import Event
from auth.factors import passkey_ceremonies, recovery_codes, verification
from auth.factors.verification import FactorResponse, Method
from auth.login import brute_force, complete, pending
from auth.stores import challenges, known_devices
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services

TRUSTED_FOR = timedelta(days=30)
# How the session says that it was signed in (RFC 8176), and how the log does.
_METHODS = {
    Method.TOTP: ("pwd otp mfa", Event.SIGNED_IN_WITH_CODE),
    Method.PASSKEY: ("pwd hwk mfa", Event.SIGNED_IN_WITH_PASSKEY),
    Method.RECOVERY_CODE: ("pwd recovery mfa", Event.SIGNED_IN_WITH_RECOVERY_CODE),
}


def complete_login(
    services: Services,
    *,
    challenge_token: str,
    given: FactorResponse,
    trust_device: bool,
    client: ClientInfo,
    count: CountCall,
    device_token: str | None = None,
    replaces: str | None = None,
) -> complete.CompletedLogin:
    """Complete a pending login with its second factor.

    With `trust_device` the device needs no second factor for `TRUSTED_FOR`; its password is always required.
    Raises `ChallengeInvalid` or `ChallengeExpired`; `SecondFactorInvalid`, after which the challenge can be
    tried again; `TotpBlocked`; and `TooManyRequests`.
    """
    tx, now = services.tx(), services.clock.now()
    _count(services, tx, challenge_token, device_token, client, count)
    try:
        waiting = pending.open_challenge(services, tx, challenge_token, client)
        account, remember = waiting.account, waiting.row.remembered
        challenge = passkey_ceremonies.text_of(waiting.row)
        given = given._replace(device_token=device_token)
        method = verification.check(services, tx, account, given, client, SecondFactorInvalid, challenge)
    except (*pending.REFUSALS, SecondFactorInvalid, TotpBlocked) as refusal:
        tx.commit()
        services.metrics.logins.labels(refusal.code).inc()
        raise
    challenges.use(tx, waiting.row.id, now)  # the account is locked: it waits still
    amr, event = _METHODS[method]
    done = complete.complete(
        services,
        tx,
        account,
        client,
        amr=amr,
        event=event,
        by_factor=True,
        remember=remember,
        device_token=device_token,
        replaces=replaces,
    )
    if trust_device:
        done = done._replace(device_token=_trusted_device_token(services, tx, done))
    if method is Method.RECOVERY_CODE:
        recovery_codes.notify_used(services, tx, account, client)
    tx.commit()
    services.metrics.logins.labels("success").inc()
    return done


def _count(
    services: Services,
    tx: Session,
    challenge_token: str,
    device_token: str | None,
    client: ClientInfo,
    count: CountCall,
) -> None:
    """Count the call for the device if the account of the challenge knows it, else for its network."""
    device_id = brute_force.count_network(services, device_token, client, count)
    if device_id is not None:
        user_id = pending.user_of(services, tx, challenge_token) or 0
        brute_force.count_device(tx, user_id, device_id, client, count)


def _trusted_device_token(services: Services, tx: Session, done: complete.CompletedLogin) -> str:
    """Return a new token for the device, which is trusted by it: an attacker may have read the old one."""
    now, old = services.clock.now(), tokens.read_device_token(services, done.device_token)
    new = uuid4()
    if old:
        known_devices.trust(tx, done.account.id, old, now + TRUSTED_FOR, renamed=new)
    return tokens.device_token(services, new)
