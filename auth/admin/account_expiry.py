"""Erase accounts that are due: deletions, and accounts whose address was never confirmed."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth.admin.settling import Outcome, Pruned, one_by_one
from auth.events import Event
from auth.revocation import revoke
from auth.roles.actors import Operator, record
from auth.stores import account_expiry, users
from auth.stores.account_expiry import Expiry
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

FIRST_DAY = timedelta(hours=24)  # use of an account in it does not count: a login follows a registration
UNCONFIRMED_FOR = timedelta(days=7)  # the lifetime of held names where accounts do not expire
BATCH = 100  # accounts, each erased in a transaction of its own
PAGE = 1000  # accounts that a dry run reads at once


class Caller(NamedTuple):
    """The operator who prunes, or the service itself, which has no name."""

    client: ClientInfo
    name: str | None = None


class Due(NamedTuple):
    """An account that would be erased now, and why."""

    account: Account
    reason: str


class End(NamedTuple):
    """When an account is erased, and whether only a confirmed address prevents that, or a use as well."""

    at: datetime
    must_confirm: bool


def erase_due(services: Services, caller: Caller) -> Pruned:
    """Erase a batch of accounts whose deletion is due, that only hold a name, or that must be confirmed."""
    tx, expiry = services.tx(), _expiry(services)
    due = account_expiry.due(tx, expiry, after=0, limit=BATCH)
    tx.rollback()

    def erase(user_id: int) -> Outcome:
        if not account_expiry.lock_if_due(tx, user_id, expiry):
            return Outcome.PASSED_OVER
        revoke.erase(services, tx, user_id, Event.ACCOUNT_ERASED, caller.client, caller.name)
        return Outcome.DELETED

    return one_by_one(services, [account.id for account in due], erase)


def erase_untouched(services: Services, caller: Caller) -> Pruned:
    """Decide about a batch of unconfirmed accounts of that age.

    Those that were not used after their first day are erased. The others are marked and stay. Where addresses
    must be confirmed, `erase_due` decides about all of them.
    """
    if services.settings.require_verified_email:
        return Pruned(0, 0, 0)
    tx, now = services.tx(), services.clock.now()
    found = account_expiry.undecided(tx, now - _lifetime(services), after=0, limit=BATCH)
    tx.rollback()

    def decide(user_id: int) -> Outcome:
        if not account_expiry.lock_if_undecided(tx, user_id):
            return Outcome.PASSED_OVER
        account = users.by_id(tx, user_id)
        if account is None:
            return Outcome.PASSED_OVER
        if _expires(services) and _untouched(tx, [account]):
            revoke.erase(services, tx, user_id, Event.ACCOUNT_ERASED, caller.client, caller.name)
            return Outcome.DELETED
        account_expiry.keep(tx, user_id, now)
        return Outcome.KEPT

    return one_by_one(services, [account.id for account in found], decide)


def due_now(services: Services, operator: Operator, limit: int) -> tuple[list[Due], int]:
    """Return at most `limit` accounts that `prune` would erase now, and how many there are. Erases none."""
    listed, number = list[Due](), 0
    for found in _all_due(services):
        number += 1
        listed += [found] if number <= limit else []
    record(services, Event.ACCOUNTS_LISTED, operator, count=len(listed))
    services.tx().commit()
    return listed, number


def end_of_unconfirmed(services: Services, account: Account) -> End | None:
    """Return when this account is erased if its address is not confirmed; None if it stays."""
    tx, at = services.tx(), account.created_at + _lifetime(services)
    if account.email_verified_at or not (account.email and _expires(services)):
        return None
    if services.settings.require_verified_email:
        return End(at, must_confirm=True) if account_expiry.may_expire(tx, account.id) else None
    is_due = account_expiry.is_undecided(tx, account.id) and _untouched(tx, [account])
    return End(at, must_confirm=False) if is_due else None


def _all_due(services: Services) -> Iterator[Due]:
    tx, expiry = services.tx(), _expiry(services)
    for found in _pages(lambda after: account_expiry.due(tx, expiry, after=after, limit=PAGE)):
        for account in found:
            is_deletion = account.deletion_due_at is not None and account.deletion_due_at <= expiry.now
            yield Due(account, "deletion requested" if is_deletion else "never confirmed")
    if not _expires(services) or expiry.confirming:
        return
    before = expiry.now - _lifetime(services)
    for found in _pages(lambda after: account_expiry.undecided(tx, before, after=after, limit=PAGE)):
        yield from (
            Due(account, "never confirmed, not used after its first day") for account in _untouched(tx, found)
        )


def _pages(page: Callable[[int], list[Account]]) -> Iterator[list[Account]]:
    after = 0
    while found := page(after):
        yield found
        after = found[-1].id


def _untouched(tx: Session, accounts: list[Account]) -> list[Account]:
    """Return those of these accounts that were not used after their first day, and have no factor or lock."""
    used = account_expiry.used_after(tx, accounts, FIRST_DAY)
    return [
        account
        for account in accounts
        if account.id not in used
        and account.email
        and not (account.two_factor_at or account.disabled_at)
        and not (account.password_blocked_at or account.deletion_due_at)
    ]


def _expires(services: Services) -> bool:
    """Whether unconfirmed accounts expire: without mail their owners could not confirm them."""
    return bool(services.settings.mail_url and services.settings.unconfirmed_account_lifetime)


def _lifetime(services: Services) -> timedelta:
    """Return the age at which it is decided whether an unconfirmed account stays."""
    seconds = services.settings.unconfirmed_account_lifetime
    return timedelta(seconds=seconds) if seconds else UNCONFIRMED_FOR


def _expiry(services: Services) -> Expiry:
    now, settings = services.clock.now(), services.settings
    confirming = settings.require_verified_email and _expires(services)
    return Expiry(now, now - _lifetime(services), confirming)
