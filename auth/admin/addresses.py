"""Operators change and confirm addresses, for owners who cannot read the mail of the present one."""

from typing import NamedTuple

from auth.account_state import Use, refusal
from auth.admin.errors import NoAddress
from auth.errors import AccountDisabled, EmailTaken
from auth.events import EndReason, Event, LinkPurpose, Refusal
from auth.factors import resets
from auth.mailing import links
from auth.mailing.limits import Limit
from auth.revocation import revoke
from auth.roles.actors import Operator, find, locked, record
from auth.stores import api_tokens, known_devices, one_time_tokens, users
from models import Account, iso
from utils.services import Services

BLOCKED = "The password of the account is blocked, and the link would ask for it."


def change(services: Services, login: str, email: str, operator: Operator) -> None:
    """Mail a link to the new address. Nothing changes until it is used, with the account's password.

    The old address is then mailed the link that undoes the change, as after a change by the owner. Raises
    `EmailTaken`, `NoAddress`, or `AccountDisabled` for an account whose owner cannot use the link.
    """
    account, tx = _usable(services, login, Use.CHANGE_ADDRESS), services.tx()
    if users.by_email(tx, email):
        raise EmailTaken
    if one_time_tokens.address_is_reserved(tx, email, account.id, services.clock.now()):
        raise EmailTaken
    purpose, facts, limit = LinkPurpose.EMAIL_CHANGE, {"by_operator": "yes"}, Limit.NONE
    links.send_link(services, tx, account, purpose, "change_email", facts, to=email, limit=limit)
    record(services, Event.EMAIL_CHANGE_BEGUN, operator, user_id=account.id)
    tx.commit()


class Removed(NamedTuple):
    """How much an account lost when an operator confirmed its address."""

    sessions: int
    devices: int
    second_factors: int
    api_tokens: int


def confirm(services: Services, login: str, reason: str, operator: Operator) -> Removed | None:
    """Confirm the address of an account without a mailed link; None if it is confirmed already.

    Another person may have registered the address, and added ways in. So, as after a reset of the password by
    mail, its devices and second factors are removed, its sessions end and its API tokens are revoked. The
    password stays. The address is mailed a link that says "this wasn't me". Raises `NoAddress`, or
    `AccountDisabled`.
    """
    account, tx, now = _usable(services, login, Use.CONFIRM_ADDRESS), services.tx(), services.clock.now()
    if not users.confirm_email(tx, account.id, now):
        return None
    one_time_tokens.void_unproven_undos(tx, account.email, account.id, now)
    second_factors = resets.number_of_factors(tx, account.id)
    devices = known_devices.forget_all(tx, account.id)
    resets.remove_factors_silently(services, tx, account.id)
    ended = EndReason.OPERATOR
    sessions = revoke.revoke_all(services, tx, account.id, ended, purposes=revoke.CREDENTIAL_LINKS)
    removed = Removed(sessions, devices, second_factors, api_tokens.revoke_all(tx, account.id, now))
    purpose, facts, limit = LinkPurpose.DISOWN, {"at": iso(now)}, Limit.NONE
    links.send_link(services, tx, account, purpose, "email_confirmed", facts, limit=limit)
    record(services, Event.EMAIL_CONFIRMED, operator, user_id=account.id, detail=reason)
    tx.commit()
    return removed


def _usable(services: Services, login: str, use: Use) -> Account:
    account = locked(services, find(services, login))
    if not account.email:
        raise NoAddress
    if state := refusal(account, use):
        raise AccountDisabled(BLOCKED if state is Refusal.PASSWORD_BLOCKED else None)
    return account
