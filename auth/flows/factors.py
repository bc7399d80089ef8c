"""The factors of one's own account: authenticator codes and recovery codes, switched on, replaced, off."""

from datetime import datetime, timedelta
from typing import NamedTuple

from auth import mails
from auth.errors import NoFactorsReset, TotpEnabled, TotpNotBegun, TwoFactorOff, WrongCode
from auth.events import Event, Refusal
from auth.flows.steps import factor_resets, links, proofs, second_factors
from auth.flows.steps.second_factors import Given
from auth.stores import audit, sessions, totp
from auth.stores import second_factors as accounts
from models import Account
from utils import totp as codes
from utils.client_info import ClientInfo
from utils.sealing import SealBroken
from utils.services import Principal, Services

SET_UP_FOR = timedelta(hours=1)  # that a secret waits for its first code


class SetUp(NamedTuple):
    """What an authenticator app needs to know. It is shown once."""

    secret: str
    uri: str


def totp_since(services: Services, principal: Principal) -> datetime | None:
    """Since when the caller's authenticator codes are on; None while they are not."""
    factor = totp.of_user(services.session(), principal.user_id)
    return factor.confirmed_at if factor else None


def begin_totp(services: Services, principal: Principal, client: ClientInfo) -> SetUp:
    """A secret for an authenticator app; it counts once a code of it has come back.

    Raises `ReauthRequired`, or `TotpEnabled` where there is one already.
    """
    _, account = proofs.lock_when_proven(services, principal)
    session, now = services.session(), services.clock.now()
    secret = codes.new_secret()
    if not totp.begin(session, account.id, second_factors.sealed(services, account.id, secret), now):
        raise TotpEnabled
    audit.append(session, Event.TOTP_BEGUN, now, client, user_id=account.id)
    session.commit()
    uri = codes.uri(secret, account.email, services.settings.brand_name)
    return SetUp(codes.in_base32(secret), uri)


def confirm_totp(
    services: Services, principal: Principal, code: str, client: ClientInfo, *, end_other_sessions: bool
) -> list[str]:
    """Switch authenticator codes on with a right one; the recovery codes, which nobody can read again.

    Recovery codes from before are void. Ends the other sessions unless told not to; where a second factor
    is required in any case, as they were begun without one. Raises `ReauthRequired`, `TotpNotBegun`,
    `TotpEnabled`, `WrongCode` and `TooManyRequests`.
    """
    current, account = proofs.lock_when_proven(services, principal)
    session, now = services.session(), services.clock.now()
    factor = totp.of_user(session, account.id)
    if factor is None or (not factor.confirmed_at and abs(now - factor.created_at) > SET_UP_FOR):
        raise TotpNotBegun
    if factor.confirmed_at:
        raise TotpEnabled
    second_factors.spend_try(services, session, account)
    try:
        step = second_factors.step_of(services, factor, code)
    except SealBroken:
        raise TotpNotBegun from None  # the key has changed since: a new secret is needed
    if step is None:
        second_factors.note_refusal(services, session, account, Refusal.WRONG_CODE, client)
        session.commit()
        raise WrongCode
    accounts.refund_try(session, account.id)
    totp.confirm(session, account.id, step, now)
    accounts.enable(session, account.id, now)
    sessions.note_factor(session, current, now)
    found = second_factors.new_recovery_codes(services, session, account.id)
    ends_others = end_other_sessions or services.settings.require_second_factor
    second_factors.changed(services, session, account.id, keep=current if ends_others else None)
    links.send_disown_link(services, session, account, "two_factor_enabled", client)
    audit.append(session, Event.TOTP_ENABLED, now, client, user_id=account.id, session_id=current)
    session.commit()
    return found


def remove_totp(services: Services, principal: Principal, given: Given, client: ClientInfo) -> None:
    """Switch authenticator codes off, with a code or a recovery code besides the fresh sign-in (ASVS 6.4.4).

    With the last factor the recovery codes go, too. Raises `ReauthRequired`, `TwoFactorOff`, `WrongCode`
    and `TooManyRequests`.
    """
    current = proofs.fresh_session(services, principal)
    session, now = services.session(), services.clock.now()
    account = _proven(services, principal, given, client)
    if not totp.remove(session, account.id):
        session.rollback()  # the code is not used up for nothing
        raise TwoFactorOff
    was_last = second_factors.disable_if_none_is_left(services, session, account.id)
    second_factors.changed(services, session, account.id, keep=None)
    facts = mails.client_facts(client, now) | {"was_last": "yes" if was_last else ""}
    links.send_mail(services, session, account, "two_factor_disabled", facts)
    audit.append(session, Event.TOTP_DISABLED, now, client, user_id=account.id, session_id=current)
    session.commit()


def replace_recovery_codes(
    services: Services, principal: Principal, given: Given, client: ClientInfo
) -> list[str]:
    """A new set of recovery codes; the old ones are void. Nobody can read it again.

    Wants a fresh sign-in and the second factor: whoever holds an open browser and the password
    would else make themselves a way in. Raises as `remove_totp` does.
    """
    current = proofs.fresh_session(services, principal)
    session, now = services.session(), services.clock.now()
    account = _proven(services, principal, given, client)
    found = second_factors.new_recovery_codes(services, session, account.id)
    second_factors.changed(services, session, account.id, keep=None)
    links.notify(services, session, account, "recovery_codes_replaced", client)
    audit.append(session, Event.RECOVERY_CODES_REPLACED, now, client, user_id=account.id, session_id=current)
    session.commit()
    return found


def stop_reset(services: Services, principal: Principal, client: ClientInfo) -> None:
    """Keep the factors that an operator is about to remove; any session may say so, however old its sign-in.

    Raises `NoFactorsReset`, also where it is done already.
    """
    session = services.session()
    account = proofs.lock_while_living(services, principal)
    if not factor_resets.stop(services, session, account, client):
        raise NoFactorsReset
    session.commit()


def _proven(services: Services, principal: Principal, given: Given, client: ClientInfo) -> Account:
    try:
        return second_factors.prove(services, principal, given, client)
    except WrongCode:
        services.session().commit()
        raise
