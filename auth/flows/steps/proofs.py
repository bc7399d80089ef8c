"""What a signed-in caller must show before something happens: a session, a recent sign-in, a password."""

from datetime import timedelta
from uuid import UUID

from auth.errors import ReauthRequired, SessionRequired
from auth.events import EndReason, Event, Refusal
from auth.flows.steps import links
from auth.stores import audit, sessions, users
from models import Account
from utils.client_info import ClientInfo
from utils.crypto import derive_key, mac
from utils.errors import TokenInvalid
from utils.services import Principal, Services

MAX_FAILURES = 100  # wrong passwords in a row (NIST SP 800-63B-4, 3.2.2)
FRESH = timedelta(minutes=10)  # how young a sign-in must be for what is hard to take back (ASVS 7.5.1)


def own_session(principal: Principal) -> UUID:
    """The session that is calling. Raises `SessionRequired` for a token that has none."""
    if principal.session_id is None:
        raise SessionRequired
    return principal.session_id


def fresh_session(services: Services, principal: Principal) -> UUID:
    """The session that is calling, if its owner proved themselves lately; raises `ReauthRequired` if not."""
    current = own_session(principal)
    # Neither long ago nor far ahead: a clock that was set back makes no old sign-in fresh.
    if principal.auth_time is None or abs(services.clock.now() - principal.auth_time) >= FRESH:
        raise ReauthRequired
    return current


def _fresh_factor(services: Services, session_id: UUID, account: Account) -> None:
    """Want a second factor, where the account has one, proven lately here; raises `ReauthRequired` if not.

    A sign-in on a trusted device is fresh by the password alone, and that must change no factor.
    """
    if account.two_factor_at is None:
        return
    at = sessions.factor_at(services.session(), session_id)
    if at is None or abs(services.clock.now() - at) >= FRESH:
        raise ReauthRequired(by_factor=True)


def lock_when_proven(services: Services, principal: Principal) -> tuple[UUID, Account]:
    """The calling session and its account, locked, for a change of how one gets into the account.

    That wants a fresh sign-in, and a fresh factor where there is one. Raises `ReauthRequired`, or
    `TokenInvalid` if the session has ended.
    """
    current = fresh_session(services, principal)
    account = lock_while_living(services, principal)
    _fresh_factor(services, current, account)
    return current, account


def lock_while_living(services: Services, principal: Principal) -> Account:
    """Lock the account, and read it anew. Raises `TokenInvalid` if the calling session has ended."""
    session = services.session()
    users.lock(session, principal.user_id)
    found = sessions.still_admitted(session, own_session(principal), principal.user_id, services.clock.now())
    if found is None:
        raise TokenInvalid
    return found[1]


def login_digest(services: Services, login: str) -> str:
    """What may be kept of the name or address that somebody typed: people type passwords there."""
    key = derive_key(services.config["SECRET_KEY"], "unknown-login")
    return mac(key, users.login_key(login).encode()).hex()[:32]


def is_password(services: Services, account: Account, password: str) -> bool:
    """Whether the password opens this account. Costs one hash in every case, and holds no connection.

    Raises `TooManyRequests` when the account's password is tried too often in this way.
    """
    services.limiter.check("proof-account", f"user-{account.id}", visible=False)
    services.session().rollback()
    if account.password_hash is None:
        services.hasher.hash(password)
        return False
    is_right = services.hasher.check(account.password_hash, password)
    return is_right and account.password_blocked_at is None


def write_refusal(
    services: Services, account: Account, client: ClientInfo, *, session_id: UUID | None = None
) -> None:
    """Write down that the password was wrong. The account may have been erased while it was hashed.

    After `MAX_FAILURES` in a row the session is ended from which they came: somebody else may hold it.
    Without a session, for whoever holds a link, they count as those of strangers.
    """
    session, now = services.session(), services.clock.now()
    if not users.lock(session, account.id):
        audit.count_unknown(session, Event.PROOF_REFUSED, None, now, client)
        return
    reason = Refusal.WRONG_PASSWORD
    audit.append(session, Event.PROOF_REFUSED, now, client, user_id=account.id, reason=reason)
    if session_id is None:
        users.count_failure(session, account.id)
    elif sessions.count_failure(session, session_id) >= MAX_FAILURES:
        ended = sessions.end(session, session_id, account.id, EndReason.GUESSING, now)
        services.metrics.sessions_ended.labels(EndReason.GUESSING).inc(ended)
        links.notify(services, session, account, "session_guessing", client)
