"""What an operator does to accounts at the command line. Every change names the operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from auth import mails
from auth.errors import AccountDisabled, NoFactorsReset, TwoFactorOff, UserNotFound
from auth.events import EndReason, Event, Purpose
from auth.flows.steps import endings, factor_resets, links, pruning, second_factors
from auth.flows.steps.operators import Operator, find, record
from auth.stores import audit, sessions, totp, users
from auth.stores import second_factors as accounts
from models import Account, AuditEvent, UserSession
from utils import access_tokens
from utils.crypto import key_id
from utils.sealing import SealBroken
from utils.services import Services

SHOWN_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Overview:
    """An account as an operator sees it."""

    account: Account
    sessions: Sequence[UserSession]
    events: Sequence[AuditEvent]


class Resealed(NamedTuple):
    """How many secrets are sealed under the present key since, and how many cannot be read any more."""

    done: int
    lost: int


def overview(services: Services, login: str, operator: Operator) -> Overview:
    """An account, its living sessions and what happened last."""
    account, session = find(services, login), services.session()
    record(services, Event.ACCOUNT_SHOWN, operator, user_id=account.id)
    session.commit()
    living = sessions.living(session, account.id, services.clock.now())
    return Overview(account, living, audit.page(session, account.id, None, SHOWN_EVENTS))


def page(services: Services, operator: Operator, *, after: int, limit: int, search: str) -> list[Account]:
    """Some accounts, by rising id."""
    found = users.page(services.session(), after=after, limit=limit, search=search)
    record(services, Event.ACCOUNTS_LISTED, operator, count=len(found))
    services.session().commit()
    return found


def disable(services: Services, login: str, operator: Operator) -> bool:
    """Close an account and end everything of it, its mailed links too; False if it was closed already."""
    account, session, now = find(services, login), services.session(), services.clock.now()
    if not users.disable(session, account.id, now):
        return False
    endings.end_everything(services, session, account.id, EndReason.OPERATOR)
    record(services, Event.ACCOUNT_DISABLED, operator, user_id=account.id)
    session.commit()
    return True


def enable(services: Services, login: str, operator: Operator) -> bool:
    """Open a disabled account again; False if it was open already."""
    account, session = find(services, login), services.session()
    if not users.enable(session, account.id):
        return False
    factor_resets.postpone(services, session, account.id)
    record(services, Event.ACCOUNT_ENABLED, operator, user_id=account.id)
    session.commit()
    return True


def end_sessions(services: Services, login: str | None, operator: Operator) -> int:
    """End every session and void every token of one account, or of all; how many sessions there were."""
    session, now = services.session(), services.clock.now()
    user_id = find(services, login).id if login is not None else None
    users.void_tokens(session, user_id, now)
    ended = sessions.end_all(session, user_id, EndReason.OPERATOR, now)
    record(services, Event.ALL_SESSIONS_ENDED, operator, user_id=user_id, count=ended)
    session.commit()
    return ended


def issue_token(services: Services, login: str, operator: Operator) -> str:
    """An access token without a session, for a script. It lives `JWT_ACCESS_TOKEN_EXPIRES` seconds.

    Raises `AccountDisabled` for an account that would not be let in with it.
    """
    account = find(services, login)
    if account.disabled_at or account.deletion_due_at:
        raise AccountDisabled
    token = access_tokens.sign(services, account.id, None, services.clock.now())
    record(services, Event.TOKEN_ISSUED, operator, user_id=account.id)
    services.session().commit()
    return token


def send_reset(services: Services, login: str, operator: Operator) -> None:
    """Mail a link for a new password. Raises `AccountDisabled` where that would open nothing."""
    account, session = find(services, login), services.session()
    if account.disabled_at:
        raise AccountDisabled
    if not account.email:  # it only holds its name
        raise UserNotFound
    links.send_link(services, session, account, Purpose.RESET, "reset_password", {}, limited=False)
    record(services, Event.RESET_SENT, operator, user_id=account.id)
    session.commit()


def reset_factors(services: Services, login: str, operator: Operator) -> datetime:
    """Have every second factor of an account forgotten after `factor_resets.DELAY`; when that will be.

    Its owner is told, and can stop it from any session. One that was begun already keeps its time.
    Raises `TwoFactorOff`, or `AccountDisabled` where nobody could be signed in to stop it.
    """
    account, session = find(services, login), services.session()
    if account.disabled_at or account.deletion_due_at:
        raise AccountDisabled
    if account.factors_reset_due_at:
        return account.factors_reset_due_at
    due = factor_resets.begin(services, session, account)
    if due is None:
        raise TwoFactorOff
    links.send_mail(services, session, account, "factors_reset_begun", {"due": mails.in_words(due)})
    record(services, Event.FACTORS_RESET_BEGUN, operator, user_id=account.id)
    session.commit()
    return due


def stop_factors_reset(services: Services, login: str, operator: Operator) -> None:
    """Let the second factors of an account stay after all. Raises `NoFactorsReset`."""
    account, session = find(services, login), services.session()
    if not factor_resets.stop(services, session, account, operator.client, operator.name):
        raise NoFactorsReset
    session.commit()


def lock_out(services: Services, login: str, operator: Operator) -> None:
    """Say "this wasn't me" for an owner who cannot: see `endings.lock_out`. All passkeys are forgotten.

    Raises `AccountDisabled`.
    """
    account, session = find(services, login), services.session()
    if account.disabled_at or not account.email:
        raise AccountDisabled
    users.lock(session, account.id)
    endings.lock_out(services, session, account, EndReason.OPERATOR, since=account.created_at)
    record(services, Event.LOCKED_OUT, operator, user_id=account.id)
    session.commit()


def reseal(services: Services, operator: Operator) -> Resealed:
    """Seal every secret anew that is sealed under a key of before; how many, and how many no key opens."""
    session, key = services.session(), key_id(services.config["SECRET_KEY"])
    done = lost = after = 0
    while some := totp.sealed_otherwise(session, key, after, pruning.SLICE):
        for user_id, old in some:
            after = user_id
            try:
                secret = second_factors.unsealed(services, user_id, old)
            except SealBroken:
                lost += 1
                continue
            done += totp.reseal(session, user_id, old, second_factors.sealed(services, user_id, secret))
        session.commit()
    record(services, Event.SECRETS_RESEALED, operator, count=done)
    session.commit()
    return Resealed(done, lost)


def prune(services: Services, operator: Operator) -> dict[str, int]:
    """Erase and delete what is over, in small transactions; how many rows of each table."""
    session = services.session()
    deleted = {"users": _erase_due(services, operator), "factors": _reset_due_factors(services, operator)}
    for table, before, prune_slice in pruning.growing(services):
        deleted[table] = 0
        while count := prune_slice(session, before, pruning.SLICE):
            deleted[table] += count
            session.commit()
    record(services, Event.PRUNED, operator, count=sum(deleted.values()))
    session.commit()
    return deleted


def _erase_due(services: Services, operator: Operator) -> int:
    """Erase accounts whose owners left 14 days ago and, where that is required, those never confirmed."""
    session, now = services.session(), services.clock.now()
    before, confirming = pruning.unconfirmed_before(services), services.settings.require_verified_email
    erased = 0
    while due := users.due_for_erasure(session, now, before, confirming=confirming, limit=pruning.SLICE):
        session.rollback()
        for user_id in due:
            if users.lock_if_due(session, user_id, now, before, confirming=confirming):
                endings.erase(
                    services, session, user_id, Event.ACCOUNT_ERASED, operator.client, operator.name
                )
                erased += 1
            session.commit()  # each by itself: nobody waits long for a lock
    return erased


def _reset_due_factors(services: Services, operator: Operator) -> int:
    """Forget the factors of accounts whose reset nobody stopped; of how many."""
    session, now = services.session(), services.clock.now()
    done = 0
    while due := accounts.due_for_reset(session, now, pruning.SLICE):
        session.rollback()
        for user_id in due:
            if accounts.begin_due_reset(session, user_id, now) and (account := users.by_id(session, user_id)):
                factor_resets.forget(services, session, account, operator.client, operator.name)
                done += 1
            session.commit()  # each by itself: nobody waits long for a lock
    return done
