"""The second step of a sign-in: the second factor of a sign-in whose password was right."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import SecondFactorInvalid
from auth.events import Event
from auth.flows.steps import challenges as steps
from auth.flows.steps import passkeys, second_factors, sign_ins
from auth.flows.steps.second_factors import Given, Method
from auth.stores import challenges, known_devices
from utils.client_info import ClientInfo
from utils.services import Services

TRUSTED_FOR = timedelta(days=30)
# How the session says that it was signed in (RFC 8176), and how the log does.
_SIGNED_IN = {
    Method.TOTP: ("pwd otp mfa", Event.SIGNED_IN_WITH_CODE),
    Method.PASSKEY: ("pwd hwk mfa", Event.SIGNED_IN_WITH_PASSKEY),
    Method.RECOVERY_CODE: ("pwd recovery mfa", Event.SIGNED_IN_WITH_RECOVERY_CODE),
}


def sign_in(
    services: Services,
    *,
    challenge_token: str,
    given: Given,
    trust_device: bool,
    client: ClientInfo,
    device_mark: str | None = None,
    replaces: str | None = None,
) -> sign_ins.SignIn:
    """Complete a sign-in that waits for its second factor.

    With `trust_device` the device is asked for none for `TRUSTED_FOR`; its password is asked always.
    Raises `ChallengeInvalid`, `ChallengeExpired`, `SecondFactorInvalid`, after which the challenge can be
    tried again, and `TooManyRequests`.
    """
    session, now = services.session(), services.clock.now()
    try:
        waiting = steps.opened(services, session, challenge_token, client)
        account, remember = waiting.account, waiting.row.remembered
        challenge = passkeys.text_of(waiting.row)
        method = second_factors.check(
            services, session, account, given, client, SecondFactorInvalid, challenge
        )
    except (*steps.REFUSALS, SecondFactorInvalid) as refusal:
        session.commit()
        services.metrics.sign_ins.labels(refusal.code).inc()
        raise
    challenges.use(session, waiting.row.id, now)  # the account is locked: it waits still
    amr, event = _SIGNED_IN[method]
    done = sign_ins.complete(
        services,
        session,
        account,
        client,
        amr=amr,
        event=event,
        by_factor=True,
        remember=remember,
        device_mark=device_mark,
        replaces=replaces,
    )
    if trust_device:
        done = done._replace(device_mark=_trusted_mark(services, session, done))
    if method is Method.RECOVERY_CODE:
        second_factors.tell_of_recovery_code(services, session, account, client)
    session.commit()
    services.metrics.sign_ins.labels("success").inc()
    return done


def _trusted_mark(services: Services, session: Session, done: sign_ins.SignIn) -> str:
    """A new mark for the device, which is trusted by it: somebody may have read the old one there."""
    now, old = services.clock.now(), tokens.read_device_mark(services, done.device_mark)
    new = uuid4()
    if old:
        known_devices.trust(session, done.account.id, old, now + TRUSTED_FOR, renamed=new)
    return tokens.device_mark(services, new)
