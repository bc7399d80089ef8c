"""Re-authentication of a session, for step-up (ASVS 7.5.1)."""

from typing import Any

from auth import tokens
from auth.errors import (
    NoPasskeys,
    WrongCurrentPassword,
)
from auth.events import Event
from auth.factors import passkey_ceremonies, verification
from auth.passwords import check
from auth.sessions import step_up
from auth.stores import audit, passkeys, sessions, users
from auth.stores.challenges import ChallengePurpose
from utils.client_info import ClientInfo
from utils.crypto.passkeys import Credential
from utils.errors import TokenInvalid
from utils.services import Principal, Services


def reauth_options(services: Services, principal: Principal) -> dict[str, Any]:
    """Return the request options for one of the caller's passkeys. Raises `NoPasskeys`."""
    step_up.own_session(principal)
    tx = services.tx()
    mine = passkeys.of_user(tx, principal.user_id)
    if not mine:
        raise NoPasskeys
    row = passkey_ceremonies.issue(services, tx, ChallengePurpose.REAUTH, principal.user_id)
    tx.commit()
    return passkey_ceremonies.request_options(services, row, mine)


def reauthenticate(
    services: Services,
    principal: Principal,
    *,
    password: str | None,
    code: str | None,
    passkey: Credential | None = None,
    client: ClientInfo,
    device_token: str | None = None,
) -> str:
    """Return a new access token, after which the session counts as freshly authenticated (ASVS 7.5.1).

    The session's access tokens of before are void (ASVS 7.2.4): a stolen one does not become fresh with it.

    A password costs one hash in every case. Raises `WrongCurrentPassword`; `TwoFactorOff`, `WrongCode`,
    `TotpBlocked` or `TooManyRequests` for a factor; and `TokenInvalid` if the session has ended.
    """
    current, account = step_up.own_session(principal), principal.account
    tx, now = services.tx(), services.clock.now()
    by_factor = code is not None or passkey is not None
    if by_factor:
        response = verification.FactorResponse(code, passkey=passkey, device_token=device_token)
        verification.prove_and_record(services, principal, response, client)
    else:
        is_right = check.is_password(services, account, password or "")
        if not is_right or not users.lock_if_unchanged(tx, account):
            check.record_failure(services, account, client, session_id=current)
            tx.commit()
            raise WrongCurrentPassword
    if not sessions.renew_auth_time(tx, current, account.id, now, by_factor=by_factor):
        raise TokenInvalid
    audit.append(tx, Event.REAUTHENTICATED, now, client, user_id=account.id, session_id=current)
    tx.commit()
    return tokens.access(services, account, current, now, now)
