"""Confirm an email address, or reject a registration."""

from typing import NamedTuple

from auth.account_state import Use, refusal
from auth.emails import change
from auth.errors import InvalidCredentials, LinkUsed
from auth.events import Event, LinkPurpose
from auth.mailing import links
from auth.mailing.limits import Limit
from auth.passwords import check
from auth.refusals import recorded
from auth.revocation import revoke
from auth.stores import audit, one_time_tokens, users
from models import Account
from utils.client_info import ClientInfo
from utils.errors import MissingFields
from utils.languages.text import Text
from utils.services import Services


def resend(services: Services, email: str, challenge_response: str | None, client: ClientInfo) -> None:
    """Mail the confirmation again, if the account is unconfirmed. Writes the same rows in each case.

    Beyond the ceiling on mails to unproven addresses it raises `ChallengeRequired` or `TooManyRequests`, for
    every address.
    """
    services.ceilings.check(
        "unproven-mails", route="email_resend", response=challenge_response, address=client.address
    )
    tx, now = services.tx(), services.clock.now()
    account = users.by_email(tx, email)
    if account and (account.email_verified_at or refusal(account, Use.RESEND_CONFIRMATION)):
        account = None
    purpose, limit = LinkPurpose.VERIFY, Limit.COUNTED
    links.send_link(services, tx, account, purpose, "verify_email", {}, typed=email, limit=limit)
    if account:
        audit.count_requested(tx, Event.VERIFICATION_REQUESTED, account.id, now, client)
    else:
        audit.count_unknown(tx, Event.VERIFICATION_REQUESTED, None, now, client)
    tx.commit()


class LinkTarget(NamedTuple):
    """The purpose and address of a link, and whether the account has that address confirmed already."""

    purpose: LinkPurpose
    email: str
    confirmed: bool


def check_link(services: Services, token: str) -> LinkTarget:
    """Return what a link confirms, without consuming it.

    A used link is told to be confirmed as well, as people open a mail twice. Raises one of `links.REFUSALS`.
    """
    purposes = (LinkPurpose.VERIFY, LinkPurpose.EMAIL_CHANGE)
    row, account = links.find(services, token, *purposes, client=None)
    if account.email == row.email and account.email_verified_at:
        return LinkTarget(LinkPurpose(row.purpose), row.email, True)
    link = links.open_link(services, token, *purposes, client=None)
    return LinkTarget(link.purpose, link.email, False)


def apply(services: Services, link: links.OpenLink, account: Account, client: ClientInfo) -> None:
    """Confirm the address of a consumed link: the account's own, or the one it changes to.

    Raises `EmailTaken`.
    """
    tx, now = services.tx(), services.clock.now()
    if link.purpose is LinkPurpose.EMAIL_CHANGE:
        change.move(services, account, link, client)
        return
    users.confirm_email(tx, account.id, now)
    one_time_tokens.void_unproven_undos(tx, account.email, account.id, now)
    one_time_tokens.void(tx, account.id, [LinkPurpose.VERIFY], now)
    audit.append(tx, Event.EMAIL_VERIFIED, now, client, user_id=account.id)


def require_password(services: Services, account: Account, password: str | None, client: ClientInfo) -> None:
    """Lock the account if this is its password. Raises `MissingFields` without one, or `InvalidCredentials`.

    The owner of an address would otherwise confirm another person's registration, and with it that person's
    password.
    """
    tx = services.tx()
    if password is None:
        raise MissingFields(
            Text("Enter the password of the account."), fields={"password": Text("is missing")}
        )
    is_right = check.is_password(services, account, password) and account.failures < check.MAX_FAILURES
    if not is_right or not users.lock_if_unchanged(tx, account):
        check.record_failure(services, account, client)
        tx.commit()
        raise InvalidCredentials


def reject(services: Services, token: str, client: ClientInfo) -> None:
    """Erase an unconfirmed account that was registered with another person's address ("I did not sign up").

    Raises one of `links.REFUSALS`. A confirmed account cannot be erased in this way.
    """
    tx = services.tx()
    with recorded(services, *links.REFUSALS):
        _, account = links.redeem(services, token, LinkPurpose.VERIFY, client=client)
        if account.email_verified_at:
            links.refuse(services, account, LinkUsed(), client)
    revoke.erase(services, tx, account.id, Event.REGISTRATION_REJECTED, client)
    tx.commit()
