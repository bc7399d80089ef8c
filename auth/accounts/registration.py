"""Registration of an account."""

import secrets
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import AccountTaken, EmailTaken, UsernameTaken
from auth.events import Event, LinkPurpose, Origin
from auth.mailing import links
from auth.mailing.limits import Limit
from auth.passwords import policy
from auth.revocation import usernames
from auth.stores import audit, one_time_tokens, roles, users
from models import Account
from utils.client_info import ClientInfo
from utils.identifiers import is_reserved, username_from
from utils.services import Services

NAME_TRIES = 20


class Registered(NamedTuple):
    """The new account, or None if the answer must not tell; and the token of the browser that signed up."""

    account: Account | None
    sign_up: str


def register(
    services: Services,
    *,
    username: str | None,
    email: str,
    password: str,
    terms_accepted: bool,
    challenge_response: str | None = None,
    next_address: str | None = None,
    locale: str | None = None,
    client: ClientInfo,
) -> Registered:
    """Register an account; without a `username` it gets a free one made from its address.

    Mails a link that confirms the address. `locale` is the tag of an installed language, that of the sign-up.
    Raises `PasswordContainsContext`, `PasswordLeaked`, `UsernameTaken`, `EmailTaken`, or `AccountTaken` if
    another registration was faster; beyond a ceiling `ChallengeRequired` or `TooManyRequests`, unless
    `challenge_response` passes it. With `HIDE_ACCOUNT_EXISTENCE` it returns no account whether or not the
    address has one, after the same work. The sign-up token for a taken address has the same form: it is of
    the account that only holds the name.
    """
    policy.refuse_context_words(services, password, username=username, email=email)
    tx = services.tx()
    if username is not None and _is_name_taken(services, tx, username):
        raise UsernameTaken
    hidden = services.settings.hide_account_existence
    if _is_taken(services, tx, email) and not hidden:
        raise EmailTaken
    tx.rollback()  # release the connection during hashing
    services.ceilings.check(
        "registrations",
        "unproven-mails",
        route="register",
        response=challenge_response,
        address=client.address,
    )
    policy.refuse_leaked(services, password)
    hashed = services.hasher.hash(password)
    terms = services.settings.terms_version if terms_accepted else None
    account = _added(services, tx, username, email, hashed, Origin.REGISTERED, terms, locale)
    if account is not None:
        _welcome(services, tx, account, Event.ACCOUNT_REGISTERED, client)
        added = account
    elif not hidden:
        raise AccountTaken
    else:
        added = _answer_for_taken(services, username, email, hashed, client)
    tx.commit()
    sign_up = tokens.sign_up(services, added, hashed, next_address or "")
    return Registered(None if hidden else account, sign_up)


def create_by_operator(
    services: Services, *, username: str, email: str, password: str, operator: str, client: ClientInfo
) -> Account:
    """Create an account at the command line. The audit event names the operator."""
    policy.refuse_context_words(services, password, username=username, email=email)
    tx = services.tx()
    if _is_name_taken(services, tx, username):
        raise UsernameTaken
    if _is_taken(services, tx, email):
        raise EmailTaken
    tx.rollback()
    policy.refuse_leaked(services, password)
    account = _added(services, tx, username, email, services.hasher.hash(password), Origin.OPERATOR)
    if account is None:
        raise AccountTaken
    _welcome(services, tx, account, Event.ACCOUNT_CREATED, client, operator)
    tx.commit()
    return account


def _is_name_taken(services: Services, tx: Session, username: str) -> bool:
    return users.by_username(tx, username) is not None or usernames.is_kept(services, tx, username)


def _is_taken(services: Services, tx: Session, email: str) -> bool:
    reserved = one_time_tokens.address_is_reserved(tx, email, None, services.clock.now())
    return users.by_email(tx, email) is not None or reserved


def _added(
    services: Services,
    tx: Session,
    username: str | None,
    email: str,
    hashed: str,
    origin: Origin,
    terms: str | None = None,
    locale: str | None = None,
) -> Account | None:
    """Return the new account, or None if its name or address is taken. The transaction stays usable."""
    if _is_taken(services, tx, email):
        return None
    account = _inserted(services, tx, username, email, hashed, origin, terms, locale)
    # Once more: an account that gave the address up while the insert waited for it has reserved it.
    if account and one_time_tokens.address_is_reserved(tx, email, None, services.clock.now()):
        tx.rollback()
        return None
    if account:
        roles.grant_application_roles(
            tx, account.id, services.settings.new_account_roles, services.clock.now()
        )
    return account


def _inserted(
    services: Services,
    tx: Session,
    username: str | None,
    email: str,
    hashed: str,
    origin: Origin,
    terms: str | None = None,
    locale: str | None = None,
    *,
    holds_address: bool = True,
) -> Account | None:
    """Return the new account under its name, or under a free one made from its address."""
    # An account that only holds a name has no password, so that no login is possible under any settings.
    address, opens_with = (email, hashed) if holds_address else (None, None)
    suggested = username or username_from(email)
    name = suggested
    for _ in range(1 if username else NAME_TRIES):
        if username or not is_reserved(name, services.settings.brand_name):
            now = services.clock.now()
            account = users.add(
                tx,
                username=name,
                email=address,
                password_hash=opens_with,
                now=now,
                terms_version=terms,
                origin=origin,
                signup_locale=locale,
            )
            if account and not usernames.is_kept(services, tx, name):
                return account
            if account:  # its former owner gave the name up, perhaps while the insert waited for it
                tx.rollback()
            elif address and users.by_email(tx, address):
                return None
        name = f"{suggested}{secrets.randbelow(10_000):04}"
    return None


def _answer_for_taken(
    services: Services, username: str | None, email: str, hashed: str, client: ClientInfo
) -> Account:
    """Mail the owner of a taken address, and reserve the name as a new account would. Return that account.

    Without that, a second registration of the name would tell what the answer did not. The account that
    reserves it has no address, opens nothing, and is pruned like an unconfirmed one.
    """
    tx, now = services.tx(), services.clock.now()
    held = _inserted(services, tx, username, email, hashed, Origin.REGISTERED, holds_address=False)
    if held is None:
        raise UsernameTaken if username else AccountTaken
    owner = users.by_email(tx, email)
    links.send_link(
        services,
        tx,
        owner,
        LinkPurpose.VERIFY,
        "address_taken",
        {},
        typed=email,
        opens=False,
        limit=Limit.COUNTED,
    )
    if owner:
        audit.count_requested(tx, Event.REGISTRATION_REPEATED, owner.id, now, client)
    else:
        audit.count_unknown(tx, Event.REGISTRATION_REPEATED, None, now, client)
    return held


def _welcome(
    services: Services,
    tx: Session,
    account: Account,
    event: Event,
    client: ClientInfo,
    operator: str | None = None,
) -> None:
    limit = Limit.NONE if operator else Limit.COUNTED
    links.send_link(services, tx, account, LinkPurpose.VERIFY, "verify_email", {}, limit=limit)
    audit.append(tx, event, services.clock.now(), client, user_id=account.id, operator=operator)
