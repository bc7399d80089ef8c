"""User names that an account gives up. Other accounts cannot take them for 90 days.

Another service may still know a person by the name. Only a keyed digest of it is stored, which outlives the
account.
"""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.orm import Session

from auth.errors import TooManyUsernames
from auth.stores import freed_usernames
from models import Account
from utils.crypto.keys import derive_key, mac
from utils.identifiers import username_key
from utils.services import Services

KEPT_FOR = timedelta(days=90)
MAX_KEPT = 10  # names of one account, so that one account cannot keep many names from others


def is_kept(services: Services, tx: Session, username: str, user_id: int | None = None) -> bool:
    """Whether the name is kept, and not for this account.

    Ask after the name was taken, in the same transaction: an account that gives it up may commit meanwhile.
    """
    return freed_usernames.is_kept(tx, _digests(services, username), user_id, services.clock.now())


def kept_among(services: Services, tx: Session, usernames: Iterable[str]) -> set[str]:
    """Return those of these names that are kept for other accounts, or for none."""
    by_digest = {digest: name for name in usernames for digest in _digests(services, name)}
    kept = freed_usernames.kept_among(tx, by_digest, services.clock.now())
    return {by_digest[digest] for digest in kept}


def give_up(services: Services, tx: Session, account: Account, *, for_name: str) -> None:
    """Keep the present name of an account that takes another one. That one is no longer kept for it.

    The account is locked. Raises `TooManyUsernames` if `MAX_KEPT` names are kept for it.
    """
    now = services.clock.now()
    freed_usernames.release(tx, _digests(services, for_name))
    if username_key(for_name) == username_key(account.username):  # another spelling of the same name
        return
    if freed_usernames.count(tx, account.id, now) >= MAX_KEPT:
        raise TooManyUsernames
    freed_usernames.keep(tx, _digests(services, account.username)[0], account.id, now + KEPT_FOR)


def give_up_erased(services: Services, tx: Session, account: Account) -> None:
    """Keep the name of an account that is being erased, unless the account could never log in."""
    is_confirmed = account.email_verified_at is not None
    if account.email and (is_confirmed or not services.settings.require_verified_email):
        ends_at = services.clock.now() + KEPT_FOR
        freed_usernames.keep(tx, _digests(services, account.username)[0], None, ends_at)


def _digests(services: Services, username: str) -> list[bytes]:
    """Return the digests of a name under the present key, and under previous ones."""
    name = (username_key(username) or username).encode()
    keys = (services.config["SECRET_KEY"], *services.settings.flask_previous_secret_keys)
    return [mac(derive_key(key, "freed-username"), name) for key in keys]
