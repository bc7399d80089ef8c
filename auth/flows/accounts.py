"""Accounts: how they come to be."""

import secrets

from sqlalchemy.orm import Session

from auth.errors import AccountTaken, EmailTaken, UsernameTaken
from auth.events import Event
from auth.stores import audit, users
from models import Account
from utils.client_info import ClientInfo
from utils.identifiers import is_reserved, username_from
from utils.services import Services

NAME_TRIES = 20


def register(
    services: Services, *, username: str | None, email: str, password: str, client: ClientInfo
) -> Account:
    """A new account; without a `username` it gets a free one made from its address.

    Raises `UsernameTaken`, `EmailTaken`, or `AccountTaken` if somebody else was faster.
    """
    return _create(services, username, email, password, client, Event.ACCOUNT_REGISTERED)


def create_by_operator(
    services: Services, *, username: str, email: str, password: str, operator: str, client: ClientInfo
) -> Account:
    """A new account made at the command line; the audit event names the operator."""
    return _create(services, username, email, password, client, Event.ACCOUNT_CREATED, operator)


def _create(
    services: Services,
    username: str | None,
    email: str,
    password: str,
    client: ClientInfo,
    event: Event,
    operator: str | None = None,
) -> Account:
    session, now = services.session(), services.clock.now()
    if username is not None and users.by_username(session, username):
        raise UsernameTaken
    if users.by_email(session, email):
        raise EmailTaken
    session.rollback()  # hashing takes a while, and nobody holds a connection meanwhile
    hashed = services.hasher.hash(password)
    if username is not None:
        account = users.add(session, username=username, email=email, password_hash=hashed, now=now)
    else:
        account = _add_under_free_name(services, session, email, hashed)
    if account is None:
        raise AccountTaken
    audit.append(session, event, now, client, user_id=account.id, operator=operator)
    session.commit()
    return account


def _add_under_free_name(services: Services, session: Session, email: str, hashed: str) -> Account | None:
    """The new account under the name its address suggests, or that and four digits; never a reserved word."""
    suggested = username_from(email)
    name = suggested
    for _ in range(NAME_TRIES):
        if not is_reserved(name, services.settings.brand_name):
            now = services.clock.now()
            account = users.add(session, username=name, email=email, password_hash=hashed, now=now)
            if account or users.by_email(session, email):
                return account
        name = f"{suggested}{secrets.randbelow(10_000):04}"
    return None
