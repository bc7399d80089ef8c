"""auth.factors.resets"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth.errors import NoFactorsReset
from auth.events import Event
from auth.factors import changes
from auth.mailing import links, messages
from auth.sessions import step_up
from auth.stores import audit, passkeys, recovery_codes, totp
from auth.stores import second_factors as accounts
from models import Account
from utils.client_info import ClientInfo
from utils.services import Principal, Services

DELAY = timedelta(hours=24)
SUSPECT_FOR = timedelta(days=7)  # as long as the mail of a new sign-in can be answered


def schedule(services: Services, tx: Session, account: Account) -> datetime | None:
    """Have all factors forgotten after `DELAY`; when that will be. None if there are none."""
    due = services.clock.now() + DELAY
    return due if accounts.schedule_reset(tx, account.id, due) else None


def postpone(services: Services, tx: Session, user_id: int) -> None:
    """Count the day anew: until now nobody could be signed in to stop a reset that waits."""
    accounts.postpone_reset(tx, user_id, services.clock.now() + DELAY)


def cancel(
    services: Services, tx: Session, account: Account, client: ClientInfo, operator: str | None = None
) -> bool:
    """Let the factors stay; it is written down and told by mail. False if they were to stay anyway."""
    if not accounts.call_off_reset(tx, account.id):
        return False
    now = services.clock.now()
    facts = messages.client_facts(client, now) | {"by_operator": operator or ""}
    if operator:
        facts |= {"device": "the command line of an operator", "ip_address": "at the service itself"}
    links.send_mail(services, tx, account, "factors_reset_stopped", facts)
    audit.append(tx, Event.FACTORS_RESET_STOPPED, now, client, user_id=account.id, operator=operator)
    return True


def apply_if_due(services: Services, tx: Session, account: Account, client: ClientInfo) -> Account:
    """The account, without its factors if a reset of them is due; that is written down and told by mail.

    It locks the account then. Sessions stay: their owner could have stopped it.
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
    """Forget every factor of an account that is locked: from now on the password alone opens it."""
    remove_factors_silently(services, tx, account.id)
    links.notify(services, tx, account, "factors_reset", client)
    audit.append(
        tx,
        Event.FACTORS_RESET,
        services.clock.now(),
        client,
        user_id=account.id,
        operator=operator,
    )


def remove_factors_silently(services: Services, tx: Session, user_id: int) -> None:
    """The same of whoever never was the owner: nothing is told."""
    totp.remove(tx, user_id)
    passkeys.remove_all(tx, user_id)
    recovery_codes.replace(tx, user_id, [], services.clock.now())
    accounts.disable(tx, user_id)
    changes.end_what_factors_opened(services, tx, user_id, keep=None)


def remove_suspect_factors(
    services: Services, tx: Session, account: Account, since: datetime
) -> datetime | None:
    """Deal with factors that were added since then, or lately, by an intruder or by the owner; when all go.

    Where an older factor is left, those go at once: nothing is lifted by it. Where none is, passkeys go,
    as they open alone; the rest stays for `DELAY`, since it is of no use to an intruder without the new
    password, and the owner may need it. None if nothing is to go later.
    """
    now = services.clock.now()
    since = min(since, now - SUSPECT_FOR)
    app, mine = totp.of_user(tx, account.id), passkeys.of_user(tx, account.id)
    added = [each.created_at for each in mine] + ([app.created_at] if app and app.confirmed_at else [])
    passkeys.remove_all(tx, account.id, since)
    if account.two_factor_at is None:
        return None
    if not added or min(added) >= since:  # or recovery codes alone are left, by such an end before
        return schedule(services, tx, account)
    totp.remove_since(tx, account.id, since)
    if any(each.created_at >= since for each in recovery_codes.of_user(tx, account.id)):
        recovery_codes.replace(tx, account.id, [], now)
    return None


def stop_reset(services: Services, principal: Principal, client: ClientInfo) -> None:
    """Keep the factors that an operator is about to remove; any session may say so, however old its sign-in.

    Raises `NoFactorsReset`, also where it is done already.
    """
    tx = services.tx()
    account = step_up.lock_for_change(services, principal)
    if not cancel(services, tx, account, client):
        raise NoFactorsReset
    tx.commit()
