"""Step-up: a fresh login, or a fresh second factor, before a sensitive change (ASVS 7.5.1)."""

from datetime import timedelta
from uuid import UUID

from auth.stores import earlier_logins, sessions, users
from models import Account
from utils.errors import ReauthRequired, SessionRequired, TokenInvalid
from utils.services import Principal, Services

FRESH_FOR = timedelta(minutes=10)  # age of a login for sensitive changes (ASVS 7.5.1)


def own_session(principal: Principal) -> UUID:
    """Return the id of the calling session. Raises `SessionRequired` for a token without one."""
    if principal.session_id is None:
        raise SessionRequired
    return principal.session_id


def fresh_session(services: Services, principal: Principal) -> UUID:
    """Return the id of the calling session if its login is fresh. Raises `ReauthRequired` if not."""
    current = own_session(principal)
    # Not in the future either: a clock that was set back must not make an old login fresh.
    if principal.auth_time is None or abs(services.clock.now() - principal.auth_time) >= FRESH_FOR:
        raise ReauthRequired
    # At the confirmation of a sign-up nothing was entered: the password was, at the registration.
    if earlier_logins.is_earlier(services.reads, current):
        raise ReauthRequired
    return current


def require_fresh_factor(
    services: Services, session_id: UUID, account: Account, *, even_without_one: bool = False
) -> None:
    """Raise `ReauthRequired` if the account has a second factor and it was not proven lately.

    A login on a trusted device is fresh by the password alone, which must not change a factor. With
    `even_without_one` an account without a second factor is refused, too.
    """
    if account.two_factor_at is None and not even_without_one:
        return
    at = sessions.factor_at(services.tx(), session_id)
    if at is None or abs(services.clock.now() - at) >= FRESH_FOR:
        raise ReauthRequired(by_factor=True)


def lock_for_credential_change(services: Services, principal: Principal) -> tuple[UUID, Account]:
    """Return the calling session and its locked account, for a change of the account's credentials.

    Needs a fresh login, and a fresh second factor if the account has one. Raises `ReauthRequired`, or
    `TokenInvalid` if the session has ended.
    """
    current = fresh_session(services, principal)
    account = lock_for_change(services, principal)
    require_fresh_factor(services, current, account)
    return current, account


def lock_for_change(services: Services, principal: Principal) -> Account:
    """Lock the account and read it again. Raises `TokenInvalid` if the calling session has ended."""
    tx = services.tx()
    users.lock(tx, principal.user_id)
    found = sessions.still_admitted(tx, own_session(principal), principal.user_id, services.clock.now())
    if found is None:
        raise TokenInvalid
    return found[1]
