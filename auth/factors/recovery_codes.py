"""Recovery codes: replace the set, and tell the owner when one is used."""

from sqlalchemy.orm import Session

from auth.events import Event
from auth.factors import changes, recovery_code_set, verification
from auth.factors.verification import FactorResponse
from auth.mailing import links, messages
from auth.sessions import step_up
from auth.stores import (
    audit,
)
from models import Account
from utils.client_info import ClientInfo
from utils.services import Principal, Services


def replace_recovery_codes(
    services: Services, principal: Principal, given: FactorResponse, client: ClientInfo
) -> list[str]:
    """Replace the recovery codes and return the new ones. They cannot be read again.

    Needs a fresh login and the second factor: an attacker at an open browser who knows the password could
    otherwise create a way in. Raises as `remove_totp` does.
    """
    current = step_up.fresh_session(services, principal)
    tx, now = services.tx(), services.clock.now()
    account = verification.prove_and_record(services, principal, given, client)
    found = recovery_code_set.new_codes(services, tx, account.id)
    changes.end_what_factors_opened(services, tx, account.id, keep=None)
    links.notify(services, tx, account, "recovery_codes_replaced", client)
    audit.append(tx, Event.RECOVERY_CODES_REPLACED, now, client, user_id=account.id, session_id=current)
    tx.commit()
    return found


def notify_used(services: Services, tx: Session, account: Account, client: ClientInfo) -> None:
    """Tell the owner that a recovery code was used, and how many are left (NIST SP 800-63B-4, 4.2.3)."""
    facts = messages.client_facts(client, services.clock.now()) | {
        "left": str(account.recovery_codes_left - 1)
    }
    links.send_mail(services, tx, account, "recovery_code_used", facts)
