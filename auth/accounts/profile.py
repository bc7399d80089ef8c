"""The profile of an account: its user name and its language."""

from enum import Enum
from typing import Final, Literal

from sqlalchemy.orm import Session

from auth.errors import UsernameTaken
from auth.events import Event
from auth.mailing import links
from auth.revocation import usernames
from auth.sessions import step_up
from auth.stores import audit, users
from models import Account
from utils.client_info import ClientInfo
from utils.errors import TokenInvalid
from utils.services import Principal, Services


class _Unchanged(Enum):
    UNCHANGED = "unchanged"


UNCHANGED: Final = _Unchanged.UNCHANGED


def change(
    services: Services,
    principal: Principal,
    *,
    username: str | None,
    locale: str | Literal[_Unchanged.UNCHANGED] | None,
    client: ClientInfo,
) -> Account:
    """Change the user name, the language, or both, in one transaction; return the account.

    `username` is None to keep it; `locale` is None for the language of the browser, or `UNCHANGED`. A new
    user name needs a fresh login, as it is a way to log in, and the old one is kept for the account for 90
    days. Raises `ReauthRequired`, `SessionRequired`, `TokenInvalid`, `UsernameTaken` or `TooManyUsernames`.
    """
    tx = services.tx()
    account: Account = principal.account
    if username is not None:
        step_up.fresh_session(services, principal)
        account = step_up.lock_for_change(services, principal)
        if username != account.username:
            account = _renamed(services, tx, account, username, client)
    if locale is not UNCHANGED:
        if not users.choose_language(tx, account.id, locale):
            raise TokenInvalid  # the account was erased a moment ago
        account = account._replace(locale=locale)
    tx.commit()
    return account


def _renamed(services: Services, tx: Session, account: Account, username: str, client: ClientInfo) -> Account:
    if not users.rename(tx, account.id, username) or usernames.is_kept(services, tx, username, account.id):
        raise UsernameTaken
    usernames.give_up(services, tx, account, for_name=username)
    renamed = account._replace(username=username)
    links.notify(services, tx, renamed, "username_changed", client)
    audit.append(tx, Event.USERNAME_CHANGED, services.clock.now(), client, user_id=account.id)
    return renamed
