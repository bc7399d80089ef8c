"""Actions of operators and administrators on accounts. Every change names who acted in the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from auth.account_state import AccountState, Use, refusal
from auth.admin import pruning
from auth.api_tokens.lifecycle import MAX_LISTED, newest_first
from auth.errors import AccountDisabled, NoFactorsReset, TwoFactorOff, UserNotFound
from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets, totp_guesses, totp_secrets
from auth.mailing import links
from auth.mailing.limits import Limit
from auth.permissions import AuthPermission
from auth.revocation import revoke
from auth.roles import authority
from auth.roles.actors import Actor, Administrator, Operator, find, record
from auth.sessions import ending
from auth.stores import account_expiry, api_tokens, audit, roles, sessions, totp, users
from auth.transfer import project_keys
from models import Account, ApiToken, AuditEvent, UserSession, iso
from utils.crypto import access_tokens
from utils.crypto.encryption import DecryptionFailed
from utils.crypto.keys import key_id
from utils.services import Services

SHOWN_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Overview:
    """An account as an operator sees it."""

    account: Account
    roles: Sequence[str]
    sessions: Sequence[UserSession]
    api_tokens: Sequence[ApiToken]
    apps: Sequence[Mapping[str, Any]]
    events: Sequence[AuditEvent]


class RotatedSecrets(NamedTuple):
    """How many secrets were encrypted again, and how many no key decrypts."""

    done: int
    lost: int


def overview(services: Services, login: str, operator: Operator) -> Overview:
    """Return an account, its roles, its live sessions, its API tokens, its apps and its last events."""
    account, tx = find(services, login), services.tx()
    record(services, Event.ACCOUNT_SHOWN, operator, user_id=account.id)
    tx.commit()
    active = sessions.active(tx, account.id, services.clock.now())
    _, names = roles.of_user(tx, account.id)
    made = newest_first(api_tokens.of_user(tx, account.id, MAX_LISTED))
    apps = services.upkeep.apps_of_account(services, account.id)
    return Overview(account, names, active, made, apps, audit.page(tx, account.id, None, SHOWN_EVENTS))


def page(
    services: Services,
    operator: Operator,
    *,
    after: int,
    limit: int,
    search: str,
    state: AccountState | None = None,
) -> list[Account]:
    """Return some accounts, by rising id; with `state`, those in this state."""
    found = users.page(services.tx(), after=after, limit=limit, search=search, state=state)
    record(services, Event.ACCOUNTS_LISTED, operator, count=len(found))
    services.tx().commit()
    return found


def disable(services: Services, login: str, actor: Actor) -> bool:
    """Disable an account and revoke everything of it, mailed links too; False if it is disabled already."""
    account, tx, now = find(services, login), services.tx(), services.clock.now()
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    if isinstance(actor, Administrator):
        authority.keep_an_administrator(services, account.id)
    if not users.disable(tx, account.id, now):
        return False
    revoke.revoke_all(services, tx, account.id, EndReason.OPERATOR)
    record(services, Event.ACCOUNT_DISABLED, actor, user_id=account.id)
    tx.commit()
    return True


def enable(services: Services, login: str, actor: Actor) -> bool:
    """Enable a disabled account; False if it is enabled already."""
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    if not users.enable(tx, account.id):
        return False
    resets.postpone(services, tx, account.id)
    record(services, Event.ACCOUNT_ENABLED, actor, user_id=account.id)
    tx.commit()
    return True


def end_sessions(services: Services, login: str, actor: Actor) -> int:
    """End every session and revoke every token of one account; return the sessions' number."""
    account = find(services, login)
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    return _end_sessions(services, account.id, actor)


def end_all_sessions(services: Services, operator: Operator) -> int:
    """End every session and revoke every token of all accounts; return the sessions' number.

    The access of apps ends after that, in several transactions. If the call is interrupted, make it again.
    """
    ended = _end_sessions(services, None, operator)
    services.listener.all_revoked(services)
    return ended


def _end_sessions(services: Services, user_id: int | None, actor: Actor) -> int:
    tx, now = services.tx(), services.clock.now()
    users.void_tokens(tx, user_id, now)
    api_tokens.revoke_all(tx, user_id, now)
    if user_id is None:
        ended = ending.end_everything(services, tx, EndReason.OPERATOR, now)
    else:
        ended = ending.end_account(services, tx, user_id, EndReason.OPERATOR, now)
    record(services, Event.ALL_SESSIONS_ENDED, actor, user_id=user_id, count=ended)
    tx.commit()
    return ended


def issue_token(services: Services, login: str, operator: Operator) -> str:
    """Return an access token without a session, for a script. It lives `JWT_ACCESS_TOKEN_EXPIRES` seconds.

    Raises `AccountDisabled` for an account that it would not admit.
    """
    account = find(services, login)
    if refusal(account, Use.ISSUE_TOKEN):
        raise AccountDisabled
    token = access_tokens.sign(services, account.id, None, services.clock.now())
    account_expiry.keep(services.tx(), account.id, services.clock.now())  # a script uses it
    record(services, Event.TOKEN_ISSUED, operator, user_id=account.id)
    services.tx().commit()
    return token


def send_reset(services: Services, login: str, actor: Actor) -> None:
    """Mail a link for a new password. Raises `AccountDisabled` if a password would open nothing."""
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    if refusal(account, Use.RESET_PASSWORD):
        raise AccountDisabled
    if not account.email:  # it only holds its name
        raise UserNotFound
    links.send_link(services, tx, account, LinkPurpose.RESET, "reset_password", {}, limit=Limit.NONE)
    record(services, Event.RESET_SENT, actor, user_id=account.id)
    tx.commit()


def reset_factors(services: Services, login: str, actor: Actor) -> datetime:
    """Schedule the removal of all second factors after `resets.DELAY` and return its time.

    The owner is mailed, and can cancel it from any session. A pending one keeps its time. Raises
    `TwoFactorOff`, or `AccountDisabled` if no session could cancel it.
    """
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    if refusal(account, Use.BEGIN_FACTOR_RESET):
        raise AccountDisabled
    if account.factors_reset_due_at:
        return account.factors_reset_due_at
    due = resets.schedule(services, tx, account)
    if due is None:
        raise TwoFactorOff
    facts = {"due": iso(due)}
    links.send_mail(services, tx, account, "factors_reset_begun", facts, limit=Limit.NONE)
    record(services, Event.FACTORS_RESET_BEGUN, actor, user_id=account.id)
    tx.commit()
    return due


def stop_factors_reset(services: Services, login: str, actor: Actor) -> None:
    """Cancel a pending reset of the second factors. Raises `NoFactorsReset`."""
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    if not resets.cancel(services, tx, account, actor.client, actor.name, actor.user_id):
        raise NoFactorsReset
    tx.commit()


def unblock_totp(services: Services, login: str, actor: Actor) -> bool:
    """Forget the wrong authenticator codes in a row; False if there were none."""
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    users.lock(tx, account.id)
    if not totp_guesses.clear(tx, account.id):
        return False
    record(services, Event.TOTP_UNBLOCKED, actor, user_id=account.id)
    tx.commit()
    return True


def lock_out(services: Services, login: str, actor: Actor) -> None:
    """Lock an intruder out for an owner who cannot: see `revoke.lock_out`. Removes all passkeys.

    Raises `AccountDisabled`.
    """
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    if refusal(account, Use.LOCK_OUT) or not account.email:
        raise AccountDisabled
    users.lock(tx, account.id)
    began = account.created_at  # the operator has checked who the owner is
    access = began - timedelta(microseconds=1)
    revoke.lock_out(services, tx, account, EndReason.OPERATOR, since=began, access_since=access)
    record(services, Event.LOCKED_OUT, actor, user_id=account.id)
    tx.commit()


def rotate_encrypted_secrets(services: Services, operator: Operator) -> RotatedSecrets:
    """Encrypt secrets of previous keys with the present one; return how many, and how many failed."""
    tx, key = services.tx(), key_id(services.config["SECRET_KEY"])
    done = lost = after = 0
    while some := totp.encrypted_with_other_key(tx, key, after, pruning.BATCH):
        for user_id, old in some:
            after = user_id
            try:
                secret = totp_secrets.decrypted(services, user_id, old)
            except DecryptionFailed:
                lost += 1
                continue
            done += totp.replace_secret(tx, user_id, old, totp_secrets.encrypted(services, user_id, secret))
        tx.commit()
    more, unreadable = project_keys.rotate(services, tx)
    done, lost = done + more, lost + unreadable
    more, unreadable = services.upkeep.rotate_encrypted_secrets(services, tx)
    done, lost = done + more, lost + unreadable
    record(services, Event.SECRETS_RESEALED, operator, count=done)
    tx.commit()
    return RotatedSecrets(done, lost)
