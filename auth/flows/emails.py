"""Addresses: confirming one, saying that it was somebody else, moving to another one and back."""

from typing import NamedTuple

from auth import mails
from auth.errors import EmailTaken, InvalidCredentials, LinkUsed
from auth.events import EndReason, Event, Purpose
from auth.flows.steps import endings, links, proofs
from auth.flows.steps.links import Opened
from auth.stores import audit, one_time_tokens, users
from models import Account
from utils.client_info import ClientInfo
from utils.errors import MissingFields
from utils.services import Principal, Services


def resend(services: Services, email: str, client: ClientInfo) -> None:
    """Mail the confirmation once more, if there is an account that waits for it; the same for all others."""
    session, now = services.session(), services.clock.now()
    account = users.by_email(session, email)
    if account and (account.email_verified_at or account.disabled_at or account.deletion_due_at):
        account = None
    links.send_link(services, session, account, Purpose.VERIFY, "verify_email", {})
    if account:
        audit.append(session, Event.VERIFICATION_REQUESTED, now, client, user_id=account.id)
    else:
        audit.count_unknown(session, Event.VERIFICATION_REQUESTED, None, now, client)
    session.commit()


class LinkOfAddress(NamedTuple):
    """What a link to an address is for, which address, and whether the account has it confirmed already."""

    purpose: Purpose
    email: str
    confirmed: bool


def check_link(services: Services, token: str) -> LinkOfAddress:
    """Ask what a link confirms. Uses nothing up.

    That an address is confirmed is said of a used link too: whoever opens a mail twice has done
    nothing wrong. Its holder reads that mailbox, and learns of no other address. Raises one of the
    refusals of links.
    """
    purposes = (Purpose.VERIFY, Purpose.EMAIL_CHANGE)
    row, account = links.found(services, token, *purposes, client=None)
    if account.email == row.email and account.email_verified_at:
        return LinkOfAddress(Purpose(row.purpose), row.email, True)
    link = links.opened(services, token, *purposes, client=None)
    return LinkOfAddress(link.purpose, link.email, False)


def verify(
    services: Services, token: str, password: str | None, principal: Principal | None, client: ClientInfo
) -> None:
    """Confirm the address that the link was mailed to: the account's own, or the one it moves to.

    Wants the password besides, unless a session of that account is calling: who confirms a
    stranger's registration would confirm the stranger's password with it. Raises `MissingFields`
    without either, `InvalidCredentials`, `EmailTaken`, or one of the refusals of links.
    """
    session = services.session()
    try:
        link = links.opened(services, token, Purpose.VERIFY, Purpose.EMAIL_CHANGE, client=client)
        _prove(services, link.account, password, principal, client)
        account = links.use(services, link, client)
    except links.REFUSALS:
        session.commit()
        raise
    now = services.clock.now()
    if link.purpose is Purpose.EMAIL_CHANGE:
        _move(services, account, link, client)
    else:
        users.confirm_email(session, account.id, now)
        one_time_tokens.void(session, account.id, [Purpose.VERIFY], now)
        audit.append(session, Event.EMAIL_VERIFIED, now, client, user_id=account.id)
    session.commit()


def _prove(
    services: Services,
    account: Account,
    password: str | None,
    principal: Principal | None,
    client: ClientInfo,
) -> None:
    session = services.session()
    if principal and principal.session_id and principal.user_id == account.id:
        return
    if password is None:
        raise MissingFields("Enter the password of the account.", fields={"password": "is missing"})
    is_right = proofs.is_password(services, account, password) and account.failures < proofs.MAX_FAILURES
    if not is_right or not users.is_unchanged(session, account):
        proofs.write_refusal(services, account, client)
        session.commit()
        raise InvalidCredentials


def reject(services: Services, token: str, client: ClientInfo) -> None:
    """ "I did not sign up": erase the account that was registered with somebody else's address.

    Raises one of the refusals of links; a confirmed account cannot be erased in this way.
    """
    session = services.session()
    try:
        account = links.use(services, links.opened(services, token, Purpose.VERIFY, client=client), client)
        if account.email_verified_at:
            links.refuse(services, account, LinkUsed(), client)
    except links.REFUSALS:
        session.commit()
        raise
    endings.erase(services, session, account.id, Event.REGISTRATION_REJECTED, client)
    session.commit()


def request_change(services: Services, principal: Principal, email: str, client: ClientInfo) -> None:
    """Mail a link to the new address; nothing changes until it is opened.

    Wants a fresh sign-in, by a factor where there is one: mailed links go there afterwards.

    Whether somebody has that address is asked when the mail goes, which then says so. Here everything
    is written alike: the caller reads it in the export, and feels it in the limits. Raises `ReauthRequired`.
    """
    _, account = proofs.lock_when_proven(services, principal)
    session, now = services.session(), services.clock.now()
    links.send_link(services, session, account, Purpose.EMAIL_CHANGE, "change_email", {}, to=email)
    audit.append(session, Event.EMAIL_CHANGE_REQUESTED, now, client, user_id=account.id)
    session.commit()


def _move(services: Services, account: Account, link: Opened, client: ClientInfo) -> None:
    """Give the account the address of the link. The old one is told, and reserved for the way back."""
    session, now = services.session(), services.clock.now()
    if one_time_tokens.address_is_reserved(session, link.email, account.id, now):
        raise EmailTaken
    if not users.change_email(session, account.id, link.email, now):
        raise EmailTaken
    one_time_tokens.void(session, account.id, endings.OVER, now)
    facts = mails.client_facts(client, now)
    links.send_link(services, session, account, Purpose.EMAIL_UNDO, "email_changed", facts, limited=False)
    audit.append(session, Event.EMAIL_CHANGED, now, client, user_id=account.id)


def undo_change(services: Services, token: str, client: ClientInfo) -> None:
    """Take a change of address back, from the old address. Whoever made it is locked out.

    Ends every session, voids every link to the addresses since, and blocks the password until a
    reset, whose link is mailed to the restored address. Raises one of the refusals of links.
    """
    session = services.session()
    try:
        link = links.opened(services, token, Purpose.EMAIL_UNDO, client=client)
        account = links.use(services, link, client)
    except links.REFUSALS:
        session.commit()
        raise
    now = services.clock.now()
    # Only later changes: the owner of an earlier address keeps a way back to it.
    one_time_tokens.void(session, account.id, [Purpose.EMAIL_UNDO], now, since=link.created_at)
    if not users.change_email(session, account.id, link.email, now):
        raise EmailTaken  # cannot be: nobody else may have had it
    owner, why = account._replace(email=link.email), EndReason.EMAIL_CHANGE_UNDONE
    endings.lock_out(services, session, owner, why, since=link.created_at)
    audit.append(session, Event.EMAIL_CHANGE_UNDONE, now, client, user_id=account.id)
    session.commit()
