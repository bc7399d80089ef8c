"""Second-factor verification: within a budget of failures, each response usable once."""

import logging
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth.errors import PasskeyInvalid, TotpBlocked, TwoFactorOff, WrongCode
from auth.events import Event, Refusal
from auth.factors import passkey_ceremonies, recovery_code_set, totp_guesses, totp_secrets
from auth.mailing import links
from auth.refusals import recorded
from auth.sessions import step_up
from auth.stores import (
    audit,
    passkeys,
    recovery_codes,
    second_factors,
    totp,
)
from auth.stores.challenges import ChallengePurpose
from models import Account
from utils.client_info import ClientInfo
from utils.crypto.encryption import DecryptionFailed
from utils.crypto.passkeys import Credential, credential_id_of
from utils.errors import ApiError, TooManyRequests
from utils.services import Principal, Services

log = logging.getLogger("auth")

MAX_TRIES = 10  # wrong ones of an account, over all its challenges and factors
TRIES_WINDOW = timedelta(minutes=15)
BRUTE_FORCE_MAIL = "second_factor_guessing"


class Method(StrEnum):
    """The methods of a second factor."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


class FactorResponse(NamedTuple):
    """The response to a request for the second factor: one of the first three."""

    code: str | None = None
    recovery_code: str | None = None
    passkey: Credential | None = None
    device_token: str | None = None  # of the caller

    @property
    def is_totp(self) -> bool:
        return self.passkey is None and self.recovery_code is None


def methods(tx: Session, account: Account, *, has_passkeys: bool) -> list[Method]:
    """Return the methods that this account accepts."""
    factor = totp.of_user(tx, account.id)
    found = [Method.TOTP] if factor and factor.confirmed_at else []
    found += [Method.PASSKEY] if has_passkeys else []
    return found + ([Method.RECOVERY_CODE] if account.recovery_codes_left else [])


def check(
    services: Services,
    tx: Session,
    account: Account,
    given: FactorResponse,
    client: ClientInfo,
    refusal: type[ApiError] = WrongCode,
    challenge: bytes | None = None,
) -> Method:
    """Check and consume the response for an account that this transaction holds locked.

    A passkey answers `challenge`; without one, no passkey is accepted. Raises `TooManyRequests`, as
    `spend_try` does; `TotpBlocked` and `refusal`, recorded for the flow to commit.
    """
    device_id = totp_guesses.proven_device(services, tx, account, given.device_token)
    if given.is_totp:  # before the try is counted: recovery codes and passkeys have the same budget
        totp_guesses.refuse_if_blocked(services, tx, account, device_id, client)
    spend_try(services, tx, account)
    method, reason = _checked(services, tx, account, given, challenge)
    if reason is not None:
        if given.is_totp and reason is Refusal.WRONG_CODE:
            totp_guesses.count_wrong(services, tx, account, device_id, client)
        record_failure(services, tx, account, reason, client)
        raise refusal
    second_factors.refund_try(tx, account.id)
    totp_guesses.clear(tx, account.id)
    return method


def prove(services: Services, principal: Principal, given: FactorResponse, client: ClientInfo) -> Account:
    """Check the second factor of a logged-in caller and return the account, locked.

    A passkey answers a challenge of `ChallengePurpose.REAUTH`. Raises `TwoFactorOff`, `TokenInvalid` if the
    session has ended, or as `check` does.
    """
    tx, challenge = services.tx(), None
    account = step_up.lock_for_change(services, principal)  # before the challenge: that is the order of locks
    if account.two_factor_at is None:
        raise TwoFactorOff
    if given.passkey is not None:
        with suppress(PasskeyInvalid):  # none is taken then, and the try counts
            challenge = passkey_ceremonies.use_challenge(
                services, tx, given.passkey, ChallengePurpose.REAUTH, account.id
            )
    check(services, tx, account, given, client, challenge=challenge)
    return account


def spend_try(services: Services, tx: Session, account: Account) -> None:
    """Count a try: at most `MAX_TRIES` failures in `TRIES_WINDOW`, over all challenges and factors.

    Counts whether or not rate limits are enabled. Raises `TooManyRequests`.
    """
    if not second_factors.spend_try(tx, account.id, services.clock.now(), MAX_TRIES, TRIES_WINDOW):
        _, end = second_factors.tries(tx, account.id)
        wait = (end - services.clock.now()).total_seconds() if end else TRIES_WINDOW.total_seconds()
        raise TooManyRequests(policy="second-factor", headers={"Retry-After": str(max(1, round(wait)))})


def record_failure(
    services: Services, tx: Session, account: Account, reason: Refusal, client: ClientInfo
) -> None:
    """Record a failed second factor.

    When the tries are used up, the caller probably knows the password or holds a session of the account: the
    owner is mailed, at most once a day.
    """
    now = services.clock.now()
    services.metrics.second_factors.labels(reason).inc()
    audit.append(tx, Event.SECOND_FACTOR_REFUSED, now, client, user_id=account.id, reason=reason)
    if second_factors.tries(tx, account.id)[0] >= MAX_TRIES:
        links.notify_once_a_day(services, tx, account, BRUTE_FORCE_MAIL, client)


def _checked(
    services: Services, tx: Session, account: Account, given: FactorResponse, challenge: bytes | None
) -> tuple[Method, Refusal | None]:
    if given.passkey is not None:
        is_right = challenge is not None and _is_passkey(services, tx, account, given.passkey, challenge)
        return Method.PASSKEY, None if is_right else Refusal.WRONG_PASSKEY
    if given.recovery_code is not None:
        digest = recovery_code_set.digest_of(account.id, given.recovery_code)
        is_right = recovery_codes.use(tx, account.id, digest, services.clock.now())
        return Method.RECOVERY_CODE, None if is_right else Refusal.WRONG_CODE
    factor = totp.of_user(tx, account.id)
    try:
        step = (
            totp_secrets.step_of(services, factor, given.code or "")
            if factor and factor.confirmed_at
            else None
        )
    except DecryptionFailed:
        log.warning("the key of an authenticator app's secret is gone: see FLASK_PREVIOUS_SECRET_KEYS")
        return Method.TOTP, Refusal.SEAL_BROKEN
    if step is None:
        return Method.TOTP, Refusal.WRONG_CODE
    return Method.TOTP, None if totp.use_step(tx, account.id, step) else Refusal.CODE_USED


def _is_passkey(
    services: Services, tx: Session, account: Account, credential: Credential, challenge: bytes
) -> bool:
    mine = {each.credential_id: each for each in passkeys.of_user(tx, account.id)}
    try:
        passkey_ceremonies.verify(
            services, tx, mine.get(credential_id_of(credential) or b""), credential, challenge
        )
    except PasskeyInvalid:
        return False
    return True


def prove_and_record(
    services: Services, principal: Principal, given: FactorResponse, client: ClientInfo
) -> Account:
    """Check the second factor as `prove` does, and commit a failure."""
    with recorded(services, WrongCode, TotpBlocked):
        return prove(services, principal, given, client)
