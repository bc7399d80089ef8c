"""TOTP: set up an authenticator app, confirm it, remove it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from auth import tokens
from auth.errors import TotpEnabled, TotpNotBegun, TwoFactorOff, WrongCode
from auth.events import Event, Refusal
from auth.factors import changes, recovery_code_set, totp_guesses, totp_secrets, verification
from auth.factors.verification import FactorResponse
from auth.mailing import links, messages
from auth.sessions import step_up
from auth.stores import audit, known_devices, sessions, totp
from auth.stores import second_factors as accounts
from utils.client_info import ClientInfo
from utils.crypto import totp as totp_codes
from utils.crypto.encryption import DecryptionFailed
from utils.services import Principal, Services

SET_UP_FOR = timedelta(hours=1)  # until an unconfirmed secret expires


class SetUp(NamedTuple):
    """The secret of an authenticator app, as text and as URI. It is shown once."""

    secret: str
    uri: str


def totp_since(services: Services, principal: Principal) -> datetime | None:
    """Return when the caller's authenticator app was confirmed, or None."""
    factor = totp.of_user(services.tx(), principal.user_id)
    return factor.confirmed_at if factor else None


def begin_totp(services: Services, principal: Principal, client: ClientInfo) -> SetUp:
    """Return a new secret for an authenticator app. It counts once a code of it is confirmed.

    Raises `ReauthRequired`, or `TotpEnabled` if an app is confirmed already.
    """
    _, account = step_up.lock_for_credential_change(services, principal)
    tx, now = services.tx(), services.clock.now()
    secret = totp_codes.new_secret()
    if not totp.begin(tx, account.id, totp_secrets.encrypted(services, account.id, secret), now):
        raise TotpEnabled
    audit.append(tx, Event.TOTP_BEGUN, now, client, user_id=account.id)
    tx.commit()
    uri = totp_codes.uri(secret, account.email, services.settings.brand_name)
    return SetUp(totp_codes.in_base32(secret), uri)


def confirm_totp(
    services: Services,
    principal: Principal,
    code: str,
    client: ClientInfo,
    *,
    end_other_sessions: bool,
    device_token: str | None = None,
) -> list[str]:
    """Enable authenticator codes with a valid one and return the recovery codes, which cannot be read again.

    Voids earlier recovery codes. Ends the other sessions by default; always where a second factor is
    required, as they began without one. The calling device has proven the factor from now on. Raises
    `ReauthRequired`, `TotpNotBegun`, `TotpEnabled`, `WrongCode` and `TooManyRequests`.
    """
    current, account = step_up.lock_for_credential_change(services, principal)
    tx, now = services.tx(), services.clock.now()
    factor = totp.of_user(tx, account.id)
    if factor is None or (not factor.confirmed_at and abs(now - factor.created_at) > SET_UP_FOR):
        raise TotpNotBegun
    if factor.confirmed_at:
        raise TotpEnabled
    verification.spend_try(services, tx, account)
    try:
        step = totp_secrets.step_of(services, factor, code)
    except DecryptionFailed:
        raise TotpNotBegun from None  # the key has changed since: a new secret is needed
    if step is None:
        verification.record_failure(services, tx, account, Refusal.WRONG_CODE, client)
        tx.commit()
        raise WrongCode
    accounts.refund_try(tx, account.id)
    totp.confirm(tx, account.id, step, now)
    totp_guesses.clear(tx, account.id)  # they were for an earlier app
    accounts.enable(tx, account.id, now)
    if device_id := tokens.read_device_token(services, device_token):
        known_devices.note_use(tx, account.id, device_id, now)
    sessions.note_factor(tx, current, now)
    found = recovery_code_set.new_codes(services, tx, account.id)
    ends_others = end_other_sessions or services.settings.require_second_factor
    changes.end_what_factors_opened(services, tx, account.id, keep=current if ends_others else None)
    links.send_disown_link(services, tx, account, "two_factor_enabled", client)
    audit.append(tx, Event.TOTP_ENABLED, now, client, user_id=account.id, session_id=current)
    tx.commit()
    return found


def remove_totp(services: Services, principal: Principal, given: FactorResponse, client: ClientInfo) -> None:
    """Disable authenticator codes, with a code or a recovery code besides the fresh login (ASVS 6.4.4).

    Removes the recovery codes with the last factor. Raises `ReauthRequired`, `TwoFactorOff`, `WrongCode` and
    `TooManyRequests`.
    """
    current = step_up.fresh_session(services, principal)
    tx, now = services.tx(), services.clock.now()
    account = verification.prove_and_record(services, principal, given, client)
    if not totp.remove(tx, account.id):
        tx.rollback()  # do not use up the code
        raise TwoFactorOff
    was_last = changes.disable_if_last(services, tx, account.id)
    changes.end_what_factors_opened(services, tx, account.id, keep=None)
    facts = messages.client_facts(client, now) | {"was_last": "yes" if was_last else ""}
    links.send_mail(services, tx, account, "two_factor_disabled", facts)
    audit.append(tx, Event.TOTP_DISABLED, now, client, user_id=account.id, session_id=current)
    tx.commit()
