"""The profile of an account: its user name."""

from auth.errors import UsernameTaken
from auth.events import Event
from auth.mailing import links
from auth.revocation import usernames
from auth.sessions import step_up
from auth.stores import audit, users
from models import Account
from utils.client_info import ClientInfo
from utils.services import Principal, Services


def rename(services: Services, principal: Principal, username: str, client: ClientInfo) -> Account:
    """Change the user name of the caller's account. The old one is kept for it for 90 days.

    Needs a fresh login, as the name is a way to log in. Raises `ReauthRequired`, `UsernameTaken` or
    `TooManyUsernames`.
    """
    step_up.fresh_session(services, principal)
    tx, now = services.tx(), services.clock.now()
    account = step_up.lock_for_change(services, principal)
    if username == account.username:
        tx.rollback()
        return account
    if not users.rename(tx, account.id, username) or usernames.is_kept(services, tx, username, account.id):
        raise UsernameTaken
    usernames.give_up(services, tx, account, for_name=username)
    renamed = account._replace(username=username)
    links.notify(services, tx, renamed, "username_changed", client)
    audit.append(tx, Event.USERNAME_CHANGED, now, client, user_id=account.id)
    tx.commit()
    return renamed
