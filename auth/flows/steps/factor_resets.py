"""The reset of an account's factors that an operator began: carried out once its day is over."""

from datetime import timedelta

from sqlalchemy.orm import Session

from auth.events import Event
from auth.flows.steps import links, second_factors
from auth.stores import audit, passkeys, recovery_codes, totp
from auth.stores import second_factors as accounts
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

DELAY = timedelta(hours=24)  # in which whoever is signed in can stop it


def carried_out(services: Services, session: Session, account: Account, client: ClientInfo) -> Account:
    """The account, without its factors if a reset of them is due; that is written down and told by mail.

    It locks the account then. Sessions stay: their owner could have stopped it.
    """
    if account.factors_reset_due_at is None:
        return account
    if not accounts.begin_due_reset(session, account.id, services.clock.now()):
        return account
    forget(services, session, account, client)
    return account._replace(two_factor_at=None, recovery_codes_left=0, factors_reset_due_at=None)


def forget(
    services: Services, session: Session, account: Account, client: ClientInfo, operator: str | None = None
) -> None:
    """Forget every factor of an account that is locked: from now on the password alone opens it."""
    now = services.clock.now()
    totp.remove(session, account.id)
    passkeys.remove_all(session, account.id)
    recovery_codes.replace(session, account.id, [], now)
    accounts.disable(session, account.id)
    second_factors.changed(services, session, account.id, keep=None)
    links.notify(services, session, account, "factors_reset", client)
    audit.append(session, Event.FACTORS_RESET, now, client, user_id=account.id, operator=operator)
