"""Confirm an address, and log in with the confirmation of a sign-up."""

from collections.abc import Callable
from typing import NamedTuple

from auth import tokens
from auth.account_state import Use, refusal
from auth.emails import confirmation
from auth.errors import InvalidCredentials
from auth.events import Event, LinkPurpose
from auth.login import brute_force, complete, password, pending
from auth.mailing import links
from auth.mailing.links import OpenLink
from auth.refusals import recorded
from auth.stores import known_devices, users
from models import Account
from utils.client_info import ClientInfo
from utils.services import Principal, Services
from utils.web.return_addresses import is_return_address

PURPOSES = (LinkPurpose.VERIFY, LinkPurpose.EMAIL_CHANGE)
DropCookie = Callable[[], None]  # deletes the cookie of a sign-up, if the call has one


class WantedSession(NamedTuple):
    """What a call that wants a session brings along."""

    sign_up: str | None  # the token of the browser that signed up
    device_token: str | None
    replaces: str | None  # the refresh token of the session that this one replaces


class Confirmed(NamedTuple):
    """The login or challenge, if a session was wanted and may be; and where the sign-up wanted to go on.

    `next_address` is empty if that is no return address.
    """

    login: complete.CompletedLogin | pending.Challenge | None
    next_address: str


class _Proof(NamedTuple):
    """What confirms a link besides itself: a session, else the token of a sign-up, else a password."""

    by_session: bool = False
    next_address: str | None = None  # of the token of a sign-up, if it is of this account
    source: brute_force.AttemptSource | None = None  # of the password, if a session is wanted


def is_signed_up_here(services: Services, text: str, sign_up: str | None) -> bool:
    """Whether this link needs no password, as the browser with this token signed up. Changes nothing."""
    row, account = links.find(services, text, *PURPOSES, client=None)
    return row.used_at is None and _next_address(services, row.purpose, account, sign_up) is not None


def confirm(
    services: Services,
    text: str,
    *,
    given: str | None,
    principal: Principal | None,
    wanted: WantedSession | None,
    drop_sign_up: DropCookie,
    client: ClientInfo,
) -> Confirmed:
    """Confirm the address that the link was mailed to: the account's own, or the one it changes to.

    Needs the password (`given`) too, unless a session of that account is calling, or the browser that signed
    up. The confirmation of a sign-up logs in if a session is `wanted` and none is calling; that of a change
    never does. Link, confirmation and session are one transaction.

    Raises `MissingFields` without a proof, `InvalidCredentials`, `EmailTaken`, or one of `links.REFUSALS`.
    """
    tx = services.tx()
    with recorded(services, *links.REFUSALS):
        link = links.open_link(services, text, *PURPOSES, client=client)
        is_sign_up = link.purpose is LinkPurpose.VERIFY
        proof = _proof(services, link, given, principal, wanted if is_sign_up else None, drop_sign_up, client)
        account = links.consume(services, link, client)
    confirmation.apply(services, link, account, client)
    login = None
    if is_sign_up and wanted and not proof.by_session:
        login = _log_in(services, account.id, proof, wanted, client)
    tx.commit()
    if is_sign_up:
        drop_sign_up()  # not before: after a failure the browser tries again
    if login:
        password.count_outcome(services, login)
    wanted_next = proof.next_address or ""
    may_lead_there = is_return_address(wanted_next, services.settings.return_origins)
    return Confirmed(login, wanted_next if may_lead_there else "")


def _proof(
    services: Services,
    link: OpenLink,
    given: str | None,
    principal: Principal | None,
    wanted: WantedSession | None,
    drop_sign_up: DropCookie,
    client: ClientInfo,
) -> _Proof:
    if principal and principal.session_id and principal.user_id == link.account.id:
        return _Proof(by_session=True)
    next_address = None
    if wanted and wanted.sign_up:
        next_address = _locked_next_address(services, link, wanted.sign_up)
        if next_address is not None:
            return _Proof(next_address=next_address)
        # The person goes on there after the password, too.
        next_address = tokens.read_sign_up(services, wanted.sign_up, link.account)
        if next_address is None:
            drop_sign_up()
    confirmation.require_password(services, link.account, given, client)
    source = None
    if wanted:
        source = brute_force.known_source(services, link.account, wanted.device_token)
        if not brute_force.reset_failures(services.tx(), link.account, source):
            services.tx().rollback()
            raise InvalidCredentials
    return _Proof(next_address=next_address, source=source)


def _locked_next_address(services: Services, link: OpenLink, sign_up: str) -> str | None:
    """Return as `_next_address`, for the account as it stands now, which is locked if it is not None."""
    tx = services.tx()
    users.lock(tx, link.account.id)
    account = users.by_id(tx, link.account.id)
    next_address = _next_address(services, link.purpose, account, sign_up)
    if next_address is None:
        tx.rollback()  # release the lock: a password is hashed next
    return next_address


def _next_address(
    services: Services, purpose: str, account: Account | None, sign_up: str | None
) -> str | None:
    """Return where the sign-up wanted to go on, if its token opens this account; else None.

    The account must be unconfirmed, usable, without a second factor, and have its first password.
    """
    if sign_up is None or account is None or purpose != LinkPurpose.VERIFY:
        return None
    if account.email_verified_at or account.two_factor_at or refusal(account, Use.LOG_IN):
        return None
    return tokens.read_sign_up(services, sign_up, account)


def _log_in(
    services: Services, user_id: int, proof: _Proof, wanted: WantedSession, client: ClientInfo
) -> complete.CompletedLogin | pending.Challenge:
    """Start the session of an account that was confirmed just now, or ask for its second factor."""
    tx = services.tx()
    account = users.by_id(tx, user_id)
    if account is None:  # not while it is locked
        raise InvalidCredentials
    if proof.source is None:
        return complete.complete(
            services,
            tx,
            account,
            client,
            amr="pwd",
            auth_time=account.created_at,
            remember=False,
            device_token=wanted.device_token,
            replaces=wanted.replaces,
            event=Event.SIGNED_IN_AT_CONFIRMATION,
            announce=False,
        )
    return password.open_session(
        services,
        account,
        proof.source,
        client,
        remember=False,
        device_token=wanted.device_token,
        replaces=wanted.replaces,
        # The notice would go to the mailbox whose link was just used.
        announce=known_devices.is_any_known(tx, account.id),
    )
