"""Log in with a passkey alone: possession and user verification (NIST SP 800-63B-4, 3.1.7)."""

from typing import Any

from auth import account_state
from auth.account_state import Use
from auth.errors import EmailNotVerified, PasskeyInvalid
from auth.events import Event, Refusal
from auth.factors import passkey_ceremonies, resets, totp_guesses
from auth.login import complete
from auth.stores import audit, passkeys, users
from models import Account
from utils.client_info import ClientInfo
from utils.crypto import passkeys as webauthn
from utils.services import Services


def options(services: Services) -> dict[str, Any]:
    """Return the request options for any passkey of this domain. Writes nothing."""
    return passkey_ceremonies.anonymous_options(services)


def log_in(
    services: Services,
    credential: webauthn.Credential,
    *,
    remember: bool,
    client: ClientInfo,
    device_token: str | None = None,
    replaces: str | None = None,
) -> complete.CompletedLogin:
    """Log in with a passkey, which needs no second factor (NIST SP 800-63B-4, 3.1.7).

    Raises `PasskeyInvalid` for every refusal alike; the audit log has the reason. Raises `EmailNotVerified`
    where addresses must be confirmed.
    """
    tx = services.tx()
    found = passkeys.by_credential(tx, webauthn.credential_id_of(credential) or b"")
    if found:
        users.lock(tx, found.user_id)
    account = users.by_id(tx, found.user_id) if found else None
    if account:
        account = resets.apply_if_due(services, tx, account, client)
    try:
        passkey_ceremonies.verify_anonymous(services, tx, found, credential)
        refusal = _refusal(services, account)
    except PasskeyInvalid:
        refusal = Refusal.WRONG_PASSKEY
    if account is None or refusal:
        _record_refusal(services, account, refusal or Refusal.UNKNOWN, client)
        tx.commit()
        raise EmailNotVerified if refusal is Refusal.EMAIL_NOT_VERIFIED else PasskeyInvalid
    totp_guesses.clear(tx, account.id)
    done = complete.complete(
        services,
        tx,
        account,
        client,
        amr="hwk user mfa",
        event=Event.SIGNED_IN_WITH_PASSKEY,
        by_factor=True,
        remember=remember,
        device_token=device_token,
        replaces=replaces,
    )
    tx.commit()
    services.metrics.logins.labels("success").inc()
    return done


def _refusal(services: Services, account: Account | None) -> Refusal | None:
    """Return why a valid passkey does not open this account, or None."""
    if account is None:
        return Refusal.UNKNOWN
    confirmed_only = services.settings.require_verified_email
    return account_state.refusal(account, Use.LOG_IN, confirmed_only=confirmed_only)


def _record_refusal(services: Services, account: Account | None, reason: Refusal, client: ClientInfo) -> None:
    tx, now = services.tx(), services.clock.now()
    services.metrics.logins.labels(reason).inc()
    if account:
        audit.append(tx, Event.SIGN_IN_REFUSED, now, client, user_id=account.id, reason=reason)
    else:
        audit.count_unknown(tx, Event.SIGN_IN_REFUSED, None, now, client)
