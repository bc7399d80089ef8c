"""Signing in: the proof is checked, and a session begins."""

from dataclasses import dataclass
from typing import NoReturn

from auth import tokens
from auth.errors import InvalidCredentials
from auth.events import Event, Refusal
from auth.flows.steps import complete_sign_in
from auth.stores import audit, users
from models import Account
from utils.client_info import ClientInfo
from utils.crypto import derive_key, mac
from utils.services import Services


@dataclass(frozen=True, slots=True)
class SignIn:
    """A completed sign-in: who, and the tokens of the new session."""

    account: Account
    tokens: tokens.TokenPair


def with_password(
    services: Services,
    *,
    login: str,
    password: str,
    remember: bool,
    client: ClientInfo,
    replaces: str | None = None,
) -> SignIn:
    """Sign in with a name or address and a password.

    `replaces` is the refresh token of a session that this one takes the place of.
    Raises `InvalidCredentials` for every refusal alike, after exactly one hash of the
    same cost (the audit log knows which it was), and `TooManyRequests` when this account,
    or this name that is nobody's, is tried too often.
    """
    session = services.session()
    account = users.by_login(session, login)
    subject = f"user-{account.id}" if account else _digest(services, login)
    services.limiter.check("login-account", subject, visible=False)
    session.rollback()  # hashing takes a while, and nobody holds a connection meanwhile
    refusal = _check(services, account, password)
    if account is None or refusal is not None:
        _refuse(services, account, login, refusal or Refusal.UNKNOWN, client)

    hashed, rehashed = account.password_hash or "", None
    if services.hasher.is_outdated(hashed):
        rehashed = services.hasher.hash(password)
    if not users.admit_sign_in(session, account, rehashed):
        _refuse(services, account, login, Refusal.CHANGED_MEANWHILE, client)
    pair = complete_sign_in(
        services, session, account, client, amr="pwd", remember=remember, replaces=replaces
    )
    session.commit()
    services.metrics.sign_ins.labels("success").inc()
    return SignIn(account, pair)


def _check(services: Services, account: Account | None, password: str) -> Refusal | None:
    """Why the password does not open this account, or None if it does. Costs one hash on every path."""
    if account is None or account.password_hash is None:
        services.hasher.hash(password)
        return Refusal.UNKNOWN if account is None else Refusal.NO_PASSWORD
    if not services.hasher.check(account.password_hash, password):
        return Refusal.WRONG_PASSWORD
    return Refusal.DISABLED if account.disabled_at else None


def _digest(services: Services, login: str) -> str:
    """What may be kept of a name that is nobody's: people type passwords into that field."""
    key = derive_key(services.config["SECRET_KEY"], "unknown-login")
    return mac(key, users.login_key(login).encode()).hex()[:32]


def _refuse(
    services: Services, account: Account | None, login: str, reason: Refusal, client: ClientInfo
) -> NoReturn:
    """Write the refusal down, then refuse."""
    session, now = services.session(), services.clock.now()
    # It may have been erased while the hash was computed, and no row can name it then.
    # Strangers ask the database as often.
    known = users.by_id(session, account.id if account else 0)
    if account is None or known is None:
        audit.count_unknown_login(session, _digest(services, login), now, client)
    else:
        audit.append(session, Event.SIGN_IN_REFUSED, now, client, user_id=account.id, reason=reason)
    session.commit()
    services.metrics.sign_ins.labels(reason).inc()
    raise InvalidCredentials
