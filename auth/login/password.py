"""Log in with a password."""

from typing import NoReturn

from auth import account_state
from auth.account_state import Use
from auth.errors import EmailNotVerified, InvalidCredentials
from auth.events import Event, Refusal
from auth.factors import resets
from auth.login import brute_force, complete, pending
from auth.stores import audit, known_devices, users
from models import Account
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services

# These refusals follow a right password, so they are no failures.
_NOT_COUNTED = {Refusal.EMAIL_NOT_VERIFIED, Refusal.CHANGED_MEANWHILE}


def log_in(
    services: Services,
    *,
    login: str,
    password: str,
    remember: bool,
    client: ClientInfo,
    count: CountCall,
    device_token: str | None = None,
    replaces: str | None = None,
) -> complete.CompletedLogin | pending.Challenge:
    """Log in with a name or address and a password; return a challenge if a second factor is needed.

    A trusted device needs no second factor. `device_token` is what an earlier login returned; `replaces` is
    the refresh token of the session that this one replaces.

    Raises `InvalidCredentials` for every refusal alike, after exactly one hash of the same cost; the audit
    log has the reason. Raises `TooManyRequests` when a name or address is tried too often, known or not.
    After `check.MAX_FAILURES` wrong passwords in a row a source is refused until a new password is set. Where
    addresses must be confirmed, raises `EmailNotVerified` for the right password of an unconfirmed account,
    unless `HIDE_ACCOUNT_EXISTENCE` is set.
    """
    tx = services.tx()
    account, who = brute_force.attempt(services, tx, login, device_token, client, count)
    brute_force.count_attempt(services, login, who, client)
    tx.rollback()  # release the connection during hashing
    refusal = _refusal(services, account, password)
    if who.is_shut_out:
        refusal = Refusal.TOO_MANY_FAILURES
    if account is None or refusal is not None:
        _refuse(services, account, login, who, refusal or Refusal.UNKNOWN, client)

    hashed, rehashed = account.password_hash or "", None
    if services.hasher.is_outdated(hashed):
        rehashed = services.hasher.hash(password)
    if not users.lock_if_unchanged(tx, account, new_hash=rehashed):
        _refuse(services, account, login, who, Refusal.CHANGED_MEANWHILE, client)
    if not brute_force.reset_failures(tx, account, who):
        _refuse(services, account, login, who, Refusal.TOO_MANY_FAILURES, client)
    done = open_session(
        services,
        account,
        who,
        client,
        remember=remember,
        device_token=device_token,
        replaces=replaces,
    )
    tx.commit()
    count_outcome(services, done)
    return done


def open_session(
    services: Services,
    account: Account,
    who: brute_force.AttemptSource,
    client: ClientInfo,
    *,
    remember: bool,
    device_token: str | None,
    replaces: str | None,
    announce: bool = True,
) -> complete.CompletedLogin | pending.Challenge:
    """Complete the login of a locked account whose password was right, or ask for its second factor."""
    tx = services.tx()
    account = resets.apply_if_due(services, tx, account, client)
    is_complete = account.two_factor_at is None or _is_trusted(services, account, who)
    brute_force.warn_of_success(services, tx, account, who, client, is_complete=is_complete)
    if not is_complete:
        return pending.issue(services, tx, account, client, remember=remember)
    return complete.complete(
        services,
        tx,
        account,
        client,
        amr="pwd",
        remember=remember,
        device_token=device_token,
        replaces=replaces,
        announce=announce,
    )


def count_outcome(services: Services, done: complete.CompletedLogin | pending.Challenge) -> None:
    """Count a login whose password was right, after its commit."""
    outcome = "second_factor_asked" if isinstance(done, pending.Challenge) else "success"
    services.metrics.logins.labels(outcome).inc()


def _is_trusted(services: Services, account: Account, who: brute_force.AttemptSource) -> bool:
    now = services.clock.now()
    return who.device_id is not None and known_devices.is_trusted(
        services.tx(), account.id, who.device_id, now
    )


def _refusal(services: Services, account: Account | None, password: str) -> Refusal | None:
    """Return why the password does not open this account, or None. Costs one hash on every path."""
    if account is None or account.password_hash is None:
        services.hasher.hash(password)
        return Refusal.UNKNOWN if account is None else Refusal.NO_PASSWORD
    if not services.hasher.check(account.password_hash, password):
        return Refusal.WRONG_PASSWORD
    confirmed_only = services.settings.require_verified_email
    return account_state.refusal(account, Use.LOG_IN, confirmed_only=confirmed_only)


def _refuse(
    services: Services,
    account: Account | None,
    login: str,
    who: brute_force.AttemptSource,
    reason: Refusal,
    client: ClientInfo,
) -> NoReturn:
    """Record the refusal and raise it."""
    tx, now = services.tx(), services.clock.now()
    # It may have been erased while the hash was computed, and no row can name it then.
    # Unknown names cause the same number of queries.
    known = users.by_id(tx, account.id if account else 0)
    brute_force.record_failure(services, tx, known if reason not in _NOT_COUNTED else None, who, client)
    if account is None or known is None:
        audit.count_unknown(tx, Event.SIGN_IN_REFUSED, brute_force.login_digest(services, login), now, client)
    else:
        audit.append(tx, Event.SIGN_IN_REFUSED, now, client, user_id=account.id, reason=reason)
    tx.commit()
    services.metrics.logins.labels(reason).inc()
    if reason is Refusal.EMAIL_NOT_VERIFIED and not services.settings.hide_account_existence:
        raise EmailNotVerified
    raise InvalidCredentials  # else a registrant could learn whether the address was taken
