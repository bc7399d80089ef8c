"""Mails and the links in them: writing them down, opening a link, using it up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, NoReturn
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import LinkExpired, LinkUnknown, LinkUsed
from auth.events import Event, LinkPurpose, Refusal
from auth.mailing import limits, messages
from auth.mailing.limits import Limit
from auth.stores import audit, one_time_tokens, outbox, users
from models import Account, OneTimeToken
from utils.client_info import ClientInfo
from utils.errors import ApiError
from utils.services import Services

# How long a link works (OWASP Forgot Password; ASVS 6.5.5). The one that keeps a leaving account
# works until the account is erased.
LIFETIMES: Mapping[LinkPurpose, timedelta] = {
    LinkPurpose.VERIFY: timedelta(hours=24),
    LinkPurpose.RESET: timedelta(minutes=60),
    LinkPurpose.EMAIL_CHANGE: timedelta(minutes=60),
    LinkPurpose.EMAIL_UNDO: timedelta(hours=72),
    LinkPurpose.RESTORE: timedelta(days=14),
    LinkPurpose.DISOWN: timedelta(days=7),
}
DAY = timedelta(days=1)
MAX_LIVE = 3  # valid links per account and purpose; requests by another person do not void the owner's


class OpenLink(NamedTuple):
    """A genuine, unused link as plain values, and its account."""

    token_id: UUID
    purpose: LinkPurpose
    email: str
    created_at: datetime
    account: Account


def send_mail(
    services: Services,
    tx: Session,
    account: Account,
    template: str,
    facts: Mapping[str, str],
    *,
    limit: Limit = Limit.NOTIFICATION,
) -> None:
    """Write a mail to the account's address, if its limit allows one. It is sent after the commit."""
    is_proven = account.email_verified_at is not None
    if limits.allows(services, tx, account.email, template, is_proven=is_proven, limit=limit):
        _write(services, tx, account, template, facts, account.email, limit)


def _write(
    services: Services,
    tx: Session,
    account: Account,
    template: str,
    facts: Mapping[str, str],
    to: str,
    limit: Limit,
    token: OneTimeToken | None = None,
) -> None:
    outbox.append(
        tx,
        template,
        {"username": greeting_name(account), **facts},
        services.clock.now(),
        user_id=account.id,
        recipient=to,
        token=token,
        to_count=limit in limits.AT_DELIVERY and account.email_verified_at is None,
    )
    _wake_delivery(services, tx)


def greeting_name(account: Account) -> str:
    """Return the greeting's name; none for an unconfirmed address, as another person may have chosen it."""
    return account.username if account.email_verified_at else ""


def notify(services: Services, tx: Session, account: Account, template: str, client: ClientInfo) -> None:
    """Mail the owner what was done, when and from where."""
    send_mail(services, tx, account, template, messages.client_facts(client, services.clock.now()))


def notify_once_a_day(
    services: Services, tx: Session, account: Account, template: str, client: ClientInfo
) -> None:
    """As `notify`, unless such a mail was written in the last 24 hours."""
    if not outbox.written_since(tx, account.id, template, services.clock.now() - DAY):
        notify(services, tx, account, template, client)


def send_disown_link(
    services: Services, tx: Session, account: Account, template: str, client: ClientInfo
) -> None:
    """Mail the owner what was done, when and from where, with a link that says "this wasn't me"."""
    facts = messages.client_facts(client, services.clock.now())
    send_link(services, tx, account, LinkPurpose.DISOWN, template, facts, limit=Limit.NOTIFICATION)


def send_link(
    services: Services,
    tx: Session,
    account: Account | None,
    purpose: LinkPurpose,
    template: str,
    facts: Mapping[str, str],
    *,
    to: str | None = None,
    typed: str = "",
    opens: bool = True,
    limit: Limit = Limit.REQUESTED,
    expires_at: datetime | None = None,
) -> None:
    """Mail a link to the account's address, or to a new one in `to`, if the limit of that address allows one.

    Without an account nothing is sent; `typed` is then the address that was asked for. In each case the same
    statements and rows are written, so that neither the answer nor its time tells whether the account exists.
    """
    now = services.clock.now()
    user_id = account.id if account else 0
    # Never two accounts locked in one transaction. It may have been erased a moment ago.
    is_there = users.lock(tx, user_id) if opens else users.lock_shared(tx, user_id)
    address = to or (account.email if account else typed)
    is_proven = to is None and not (account and account.email_verified_at is None)
    # A caller may ask for mails to many new addresses.
    written = outbox.written_since(tx, user_id, template, now - limits.HOUR)
    may_go = limits.allows(services, tx, address, template, is_proven=is_proven, limit=limit)
    is_due = may_go and (limit not in limits.BY_STRANGERS or written < limits.MAX_MAILS)
    receiver = account if is_there and is_due else None
    expires = expires_at or now + LIFETIMES[purpose]
    holder = receiver.id if receiver and opens else None
    token = one_time_tokens.issue(
        tx, holder, purpose, address if receiver else "", now, expires, address_proven=is_proven
    )
    if (
        purpose is not LinkPurpose.EMAIL_UNDO
    ):  # an intruder's later changes must not void the owner's way back
        one_time_tokens.void_beyond(tx, MAX_LIVE, token, now)
    if receiver:
        _write(services, tx, receiver, template, facts, address, limit, token if opens else None)
    else:
        outbox.append_unsent(tx, template, now, token)
        _wake_delivery(services, tx)


def _wake_delivery(services: Services, tx: Session) -> None:
    event.listen(tx, "after_commit", lambda _: services.delivery.wake(), once=True)


def open_link(services: Services, text: str, *purposes: LinkPurpose, client: ClientInfo | None) -> OpenLink:
    """Return the link of this text, if it is genuine, unused and for one of these purposes.

    Raises one of `REFUSALS`. With a `client` the refusal is recorded for the flow to commit.
    """
    row, account = find(services, text, *purposes, client=client)
    if row.used_at is not None:
        refuse(services, account, LinkUsed(), client)
    if row.expires_at <= services.clock.now():
        refuse(services, account, LinkExpired(), client)
    return OpenLink(row.id, LinkPurpose(row.purpose), row.email, row.created_at, account)


def find(
    services: Services, text: str, *purposes: LinkPurpose, client: ClientInfo | None
) -> tuple[OneTimeToken, Account]:
    """Return the row of a genuine link, used or not, and its account. Raises `LinkUnknown`."""
    tx = services.tx()
    token_id = tokens.one_time_id(text)
    row = one_time_tokens.by_id(tx, token_id) if token_id else None
    if row is None or row.purpose not in purposes or not tokens.is_genuine_one_time(services, text, row):
        refuse(services, None, LinkUnknown(), client)
    account = users.by_id(tx, row.user_id or 0)
    if account is None:
        refuse(services, None, LinkUnknown(), client)
    return row, account


def redeem(
    services: Services, text: str, purpose: LinkPurpose, *, client: ClientInfo
) -> tuple[OpenLink, Account]:
    """Open a link and consume it. Raises one of `REFUSALS`, recorded for the flow to commit."""
    link = open_link(services, text, purpose, client=client)
    return link, consume(services, link, client)


def consume(services: Services, link: OpenLink, client: ClientInfo) -> Account:
    """Consume the link, lock its account and return it as it stands now. Of many callers one succeeds.

    Raises `LinkUsed` for the others, and when the account has another address than the link; recorded as in
    `open_link`.
    """
    tx = services.tx()
    users.lock(tx, link.account.id)
    account = users.by_id(tx, link.account.id)
    if account is None:
        refuse(services, None, LinkUsed(), client)
    speaks_for_another = link.purpose in {LinkPurpose.EMAIL_CHANGE, LinkPurpose.EMAIL_UNDO}
    is_for_it = account.email == link.email or speaks_for_another
    if not is_for_it or not one_time_tokens.use(tx, link.token_id, services.clock.now()):
        refuse(services, account, LinkUsed(), client)
    return account


REFUSALS = (LinkUnknown, LinkExpired, LinkUsed)
_REASONS: Mapping[type[ApiError], Refusal] = {LinkExpired: Refusal.LINK_EXPIRED, LinkUsed: Refusal.LINK_USED}


def refuse(
    services: Services, account: Account | None, refusal: ApiError, client: ClientInfo | None
) -> NoReturn:
    """Raise the refusal of a link; with a `client` it is recorded for the flow to commit."""
    tx, now = services.tx(), services.clock.now()
    if client and account:
        reason = _REASONS[type(refusal)]
        audit.append(tx, Event.LINK_REFUSED, now, client, user_id=account.id, reason=reason)
    elif client:
        audit.count_unknown(tx, Event.LINK_REFUSED, None, now, client)
    raise refusal
