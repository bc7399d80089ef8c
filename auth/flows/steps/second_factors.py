"""The second factor of an account: checked within a budget, and each code good for once."""

import base64
import hashlib
import logging
import secrets
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from auth import mails
from auth.errors import PasskeyInvalid, TwoFactorOff, WrongCode
from auth.events import EndReason, Event, Refusal
from auth.flows.steps import links, proofs
from auth.flows.steps import passkeys as steps
from auth.stores import (
    audit,
    challenges,
    known_devices,
    outbox,
    passkeys,
    recovery_codes,
    second_factors,
    sessions,
    totp,
)
from auth.stores.challenges import Purpose
from models import Account, TotpFactor
from utils import totp as codes
from utils.client_info import ClientInfo
from utils.errors import ApiError, TooManyRequests
from utils.passkeys import Credential, credential_id_of
from utils.sealing import SealBroken, Sealed, seal, unseal
from utils.services import Principal, Services

log = logging.getLogger("auth")

MAX_TRIES = 10  # wrong ones of an account, over all its challenges and factors
TRIES_WINDOW = timedelta(minutes=15)
DAY = timedelta(days=1)
MAIL = "second_factor_guessing"
SEAL = "totp-secret"
CODES = 10  # recovery codes in a set
_CODE_BYTES = 15  # 120 random bits: 24 characters of base32


class Method(StrEnum):
    """Ways to prove a second factor."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


class Given(NamedTuple):
    """What somebody gives to prove their second factor: one of these."""

    code: str | None = None
    recovery_code: str | None = None
    passkey: Credential | None = None


def methods(session: Session, account: Account, *, has_passkeys: bool) -> list[Method]:
    """What may be given for this account."""
    factor = totp.of_user(session, account.id)
    found = [Method.TOTP] if factor and factor.confirmed_at else []
    found += [Method.PASSKEY] if has_passkeys else []
    return found + ([Method.RECOVERY_CODE] if account.recovery_codes_left else [])


def check(
    services: Services,
    session: Session,
    account: Account,
    given: Given,
    client: ClientInfo,
    refusal: type[ApiError] = WrongCode,
    challenge: bytes | None = None,
) -> Method:
    """Check what was given for an account that this transaction holds locked, and use it up.

    A passkey answers `challenge`; without one none is taken. Raises `TooManyRequests`, as `spend_try`
    does, and `refusal`: then the flow commits what was written.
    """
    spend_try(services, session, account)
    method, reason = _checked(services, session, account, given, challenge)
    if reason is not None:
        note_refusal(services, session, account, reason, client)
        raise refusal
    second_factors.refund_try(session, account.id)
    return method


def prove(services: Services, principal: Principal, given: Given, client: ClientInfo) -> Account:
    """Have a signed-in caller prove their second factor; the account, which is locked since.

    A passkey answers a challenge of `Purpose.REAUTH`. Raises `TwoFactorOff`, `TokenInvalid` if the session
    has ended, or as `check` does.
    """
    session, challenge = services.session(), None
    account = proofs.lock_while_living(
        services, principal
    )  # before the challenge: that is the order of locks
    if account.two_factor_at is None:
        raise TwoFactorOff
    if given.passkey is not None:
        with suppress(PasskeyInvalid):  # none is taken then, and the try counts
            challenge = steps.use_challenge(services, session, given.passkey, Purpose.REAUTH, account.id)
    check(services, session, account, given, client, challenge=challenge)
    return account


def spend_try(services: Services, session: Session, account: Account) -> None:
    """Count a try: one of `MAX_TRIES` wrong ones in `TRIES_WINDOW`, whichever challenge or factor it is for.

    It counts whether or not other limits are on. Raises `TooManyRequests`.
    """
    if not second_factors.spend_try(session, account.id, services.clock.now(), MAX_TRIES, TRIES_WINDOW):
        _, end = second_factors.tries(session, account.id)
        wait = (end - services.clock.now()).total_seconds() if end else TRIES_WINDOW.total_seconds()
        raise TooManyRequests(policy="second-factor", headers={"Retry-After": str(max(1, round(wait)))})


def note_refusal(
    services: Services, session: Session, account: Account, reason: Refusal, client: ClientInfo
) -> None:
    """Write down what was wrong.

    Whoever has used up all tries knows the password, as a rule: the owner hears of it, once a day.
    """
    now = services.clock.now()
    services.metrics.second_factors.labels(reason).inc()
    audit.append(session, Event.SECOND_FACTOR_REFUSED, now, client, user_id=account.id, reason=reason)
    are_over = second_factors.tries(session, account.id)[0] >= MAX_TRIES
    if are_over and not outbox.written_since(session, account.id, MAIL, now - DAY):
        links.notify(services, session, account, MAIL, client)


def _checked(
    services: Services, session: Session, account: Account, given: Given, challenge: bytes | None
) -> tuple[Method, Refusal | None]:
    if given.passkey is not None:
        is_right = challenge is not None and _is_passkey(services, session, account, given.passkey, challenge)
        return Method.PASSKEY, None if is_right else Refusal.WRONG_PASSKEY
    if given.recovery_code is not None:
        digest = digest_of(account.id, given.recovery_code)
        is_right = recovery_codes.use(session, account.id, digest, services.clock.now())
        return Method.RECOVERY_CODE, None if is_right else Refusal.WRONG_CODE
    factor = totp.of_user(session, account.id)
    try:
        step = step_of(services, factor, given.code or "") if factor and factor.confirmed_at else None
    except SealBroken:
        log.warning("the key of an authenticator app's secret is gone: see FLASK_PREVIOUS_SECRET_KEYS")
        return Method.TOTP, Refusal.SEAL_BROKEN
    if step is None:
        return Method.TOTP, Refusal.WRONG_CODE
    return Method.TOTP, None if totp.use_step(session, account.id, step) else Refusal.CODE_USED


def _is_passkey(
    services: Services, session: Session, account: Account, credential: Credential, challenge: bytes
) -> bool:
    mine = {each.credential_id: each for each in passkeys.of_user(session, account.id)}
    try:
        steps.prove(services, session, mine.get(credential_id_of(credential) or b""), credential, challenge)
    except PasskeyInvalid:
        return False
    return True


def step_of(services: Services, factor: TotpFactor, code: str) -> int | None:
    """The step that a code of this app is of, by our own clock (ASVS 6.5.8); None if it is of none."""
    now, previous = services.clock.now(), services.settings.totp_previous_steps
    return codes.matching_step(opened(services, factor), code, now, previous=previous)


def sealed(services: Services, user_id: int, secret: bytes) -> Sealed:
    """The secret of an authenticator app as it is stored: only with our key, and only for this account."""
    return seal(services.config["SECRET_KEY"], SEAL, secret, bound_to=_owner(user_id))


def opened(services: Services, factor: TotpFactor) -> bytes:
    """The secret of an authenticator app. Raises `SealBroken` where the key is gone."""
    return unsealed(services, factor.user_id, Sealed(factor.sealed_secret, factor.key_id))


def unsealed(services: Services, user_id: int, text: Sealed) -> bytes:
    """What is sealed for this account, under the present key or one before. Raises `SealBroken`."""
    keys = (services.config["SECRET_KEY"], *services.settings.flask_previous_secret_keys)
    return unseal(keys, SEAL, text, bound_to=_owner(user_id))


def _owner(user_id: int) -> bytes:
    return user_id.to_bytes(8, "big")


def digest_of(user_id: int, recovery_code: str) -> bytes:
    """What is stored of a recovery code: a plain digest is enough for 120 random bits (ASVS 6.5.2).

    Written as people write: in any case, with any spaces and hyphens, and 0, 1, 8 for O, I, B.
    """
    kept = "".join(char for char in recovery_code.upper() if char.isalnum())
    text = kept.translate(str.maketrans("018", "OIB"))
    return hashlib.sha256(b"recovery-code:" + _owner(user_id) + text.encode()).digest()


def disable_if_none_is_left(services: Services, session: Session, user_id: int) -> bool:
    """Where the last factor is gone, let the password alone open the account; the recovery codes are void.

    False if one is left.
    """
    factor = totp.of_user(session, user_id)
    if (factor and factor.confirmed_at) or passkeys.count(session, user_id):
        return False
    second_factors.disable(session, user_id)
    recovery_codes.replace(session, user_id, [], services.clock.now())
    return True


def new_recovery_codes(services: Services, session: Session, user_id: int) -> list[str]:
    """A new set for this account, in place of the old one. Nobody can read it again."""
    found = [_shown(secrets.token_bytes(_CODE_BYTES)) for _ in range(CODES)]
    digests = [digest_of(user_id, code) for code in found]
    recovery_codes.replace(session, user_id, digests, services.clock.now())
    return found


def _shown(code: bytes) -> str:
    text = base64.b32encode(code).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def changed(services: Services, session: Session, user_id: int, *, keep: UUID | None) -> None:
    """What every change of factors ends: trust in devices, sign-ins that wait, and all sessions but `keep`.

    And a reset of the factors that waits: whoever can change them has not lost them. Without `keep`
    the sessions stay.
    """
    now = services.clock.now()
    second_factors.call_off_reset(session, user_id)
    known_devices.distrust_all(session, user_id)
    challenges.void(session, user_id, now)
    if keep:
        ended = sessions.end_others(session, keep, user_id, EndReason.FACTORS_CHANGED, now)
        services.metrics.sessions_ended.labels(EndReason.FACTORS_CHANGED).inc(ended)


def tell_of_recovery_code(services: Services, session: Session, account: Account, client: ClientInfo) -> None:
    """Tell the owner that a recovery code was used, and how many are left (NIST SP 800-63B-4, 4.2.3)."""
    facts = mails.client_facts(client, services.clock.now()) | {"left": str(account.recovery_codes_left - 1)}
    links.send_mail(services, session, account, "recovery_code_used", facts)
