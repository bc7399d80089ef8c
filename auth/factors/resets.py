"""Removal of second factors: an operator's delayed reset, and factors that an intruder may have added."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth.errors import NoFactorsReset
from auth.events import Event
from auth.factors import changes
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from auth.mailing.wording import COMMAND_LINE
from auth.sessions import step_up
from auth.stores import audit, passkeys, recovery_codes, totp
from auth.stores import second_factors as accounts
from models import Account
from utils.client_info import ClientInfo
from utils.services import Principal, Services

DELAY = timedelta(hours=24)
SUSPECT_FOR = timedelta(days=7)  # the lifetime of the link in the mail about a new login


def schedule(services: Services, tx: Session, account: Account) -> datetime | None:
    """Schedule the removal of all factors after `DELAY` and return its time; None if there are none."""
    due = services.clock.now() + DELAY
    return due if accounts.schedule_reset(tx, account.id, due) else None


def postpone(services: Services, tx: Session, user_id: int) -> None:
    """Restart the delay of a pending reset: until now no session could cancel it."""
    accounts.postpone_reset(tx, user_id, services.clock.now() + DELAY)


def cancel(
    services: Services,
    tx: Session,
    account: Account,
    client: ClientInfo,
    operator: str | None = None,
    actor_id: int | None = None,
) -> bool:
    """Cancel a pending reset, record it and mail the owner; False if none is pending.

    By its owner, an operator, or an administrator, whose account is `actor_id`.
    """
    if not accounts.call_off_reset(tx, account.id):
        return False
    now = services.clock.now()
    is_by_other = operator is not None or actor_id is not None
    facts = messages.client_facts(client, now) | {"by_operator": "yes" if is_by_other else ""}
    if operator:
        facts |= {"device": COMMAND_LINE, "ip_address": COMMAND_LINE}
    limit = Limit.NONE if is_by_other else Limit.NOTIFICATION
    links.send_mail(services, tx, account, "factors_reset_stopped", facts, limit=limit)
    audit.append(
        tx,
        Event.FACTORS_RESET_STOPPED,
        now,
        client,
        user_id=account.id,
        operator=operator,
        actor_id=actor_id,
    )
    return True


def apply_if_due(services: Services, tx: Session, account: Account, client: ClientInfo) -> Account:
    """Return the account, without its factors if their reset is due; record it and mail the owner.

    Locks the account then. Sessions stay: they could have cancelled the reset.
    """
    if account.factors_reset_due_at is None:
        return account
    if not accounts.begin_due_reset(tx, account.id, services.clock.now()):
        return account
    remove_factors(services, tx, account, client)
    return account._replace(two_factor_at=None, recovery_codes_left=0, factors_reset_due_at=None)


def remove_factors(
    services: Services, tx: Session, account: Account, client: ClientInfo, operator: str | None = None
) -> None:
    """Remove every factor of a locked account. From now on the password alone opens it."""
    remove_factors_silently(services, tx, account.id)
    now = services.clock.now()
    facts, notice = messages.client_facts(client, now), Limit.SECURITY_NOTICE
    links.send_mail(services, tx, account, "factors_reset", facts, limit=notice)
    audit.append(tx, Event.FACTORS_RESET, now, client, user_id=account.id, operator=operator)


def remove_factors_silently(services: Services, tx: Session, user_id: int) -> None:
    """Remove every factor without a mail: they were added by a person who is not the owner."""
    totp.remove(tx, user_id)
    passkeys.remove_all(tx, user_id)
    recovery_codes.replace(tx, user_id, [], services.clock.now())
    accounts.disable(tx, user_id)
    changes.end_what_factors_opened(services, tx, user_id, keep=None)


class Suspects(NamedTuple):
    """What becomes of factors that an intruder may have added."""

    due: datetime | None  # when the remaining ones are removed
    stay: bool  # some are kept, as the caller has shown no access from before they were added


def oldest_suspect(services: Services, tx: Session, user_id: int, since: datetime) -> datetime | None:
    """Return when the oldest factor was added that an intruder may have added; None if there is none."""
    begin = _suspect_since(services, since)
    added = (*_factors(tx, user_id), *_unused_codes(tx, user_id))
    return min((moment for moment in added if moment >= begin), default=None)


def remove_suspect_factors(
    services: Services, tx: Session, account: Account, since: datetime, access_since: datetime | None
) -> Suspects:
    """Remove factors that were added since this time, or lately, and after the caller already had access.

    A caller who has the mailbox alone (`access_since` is None) removes none. Passkeys of that time then need
    the new password for their next login, so that an intruder cannot use them without it.

    If an older factor exists, the suspect ones go at once, since two-factor login stays. If none exists,
    passkeys go at once; the other factors go after `DELAY`, as the owner may need them.
    """
    since = _suspect_since(services, since)
    added, codes = _factors(tx, account.id), _unused_codes(tx, account.id)
    cut = max(since, access_since + timedelta(microseconds=1)) if access_since else None
    if cut:
        passkeys.remove_all(tx, account.id, cut)
    passkeys.require_password(tx, account.id, since)
    if account.two_factor_at is None:
        return Suspects(None, stay=False)
    suspect = [moment for moment in (*added, *codes) if moment >= since]
    stay = any(cut is None or moment < cut for moment in suspect)
    if cut is None or all(moment < cut for moment in (*added, *codes)):
        return Suspects(None, stay)
    if not any(moment < cut for moment in added):  # recovery codes alone may be left, by such an end before
        return Suspects(schedule(services, tx, account), stay)
    totp.remove_since(tx, account.id, cut)
    if any(moment >= cut for moment in codes):
        recovery_codes.replace(tx, account.id, [], services.clock.now())
    return Suspects(None, stay)


def _suspect_since(services: Services, since: datetime) -> datetime:
    return min(since, services.clock.now() - SUSPECT_FOR)


def number_of_factors(tx: Session, user_id: int) -> int:
    """Return how many passkeys and authenticator apps the account has."""
    return len(_factors(tx, user_id))


def _factors(tx: Session, user_id: int) -> list[datetime]:
    """Return when each passkey was added, and when the authenticator app was confirmed."""
    app = totp.of_user(tx, user_id)
    confirmed = [app.confirmed_at] if app and app.confirmed_at else []
    return [each.created_at for each in passkeys.of_user(tx, user_id)] + confirmed


def _unused_codes(tx: Session, user_id: int) -> list[datetime]:
    """Return when each unused recovery code was made."""
    return [each.created_at for each in recovery_codes.of_user(tx, user_id) if not each.used_at]


def stop_reset(services: Services, principal: Principal, client: ClientInfo) -> None:
    """Cancel a pending reset from any session, without a fresh login.

    Raises `NoFactorsReset`, also if it was applied already.
    """
    tx = services.tx()
    account = step_up.lock_for_change(services, principal)
    if not cancel(services, tx, account, client):
        raise NoFactorsReset
    tx.commit()
