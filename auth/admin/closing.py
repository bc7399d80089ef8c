"""Operators close accounts, cancel that within 14 days, and erase accounts at once."""

from datetime import datetime
from typing import NamedTuple

from auth.accounts import deletion
from auth.admin.errors import NoAddress
from auth.events import EndReason, Event, LinkPurpose
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from auth.mailing.links import LIFETIMES
from auth.permissions import AuthPermission
from auth.revocation import revoke
from auth.roles import authority
from auth.roles.actors import Actor, Administrator, Operator, find, locked, record
from auth.stores import users
from utils.services import Services


class Closed(NamedTuple):
    """When a closed account is erased, and whether this call closed it."""

    due: datetime
    changed: bool


def close(services: Services, login: str, actor: Actor) -> Closed:
    """Close an account as its owner would: it is erased after 14 days, and the owner is mailed.

    An account that is closed already keeps its time. Raises `NoAddress` for one that cannot be mailed.
    """
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.ACCOUNTS, account)
    if isinstance(actor, Administrator):
        authority.keep_an_administrator(services, account.id)
    account = locked(services, account)
    if not account.email:
        raise NoAddress
    if account.deletion_due_at:
        return Closed(account.deletion_due_at, changed=False)
    due = services.clock.now() + LIFETIMES[LinkPurpose.RESTORE]
    users.schedule_deletion(tx, account.id, due)
    deletion.close(services, tx, account, due, EndReason.OPERATOR, "account_closed")
    record(services, Event.ACCOUNT_CLOSED, actor, user_id=account.id)
    tx.commit()
    return Closed(due, changed=True)


def restore(services: Services, login: str, actor: Actor) -> bool:
    """Cancel a deletion by the owner or an operator, and mail the owner; False if none is scheduled."""
    account, tx = find(services, login), services.tx()
    authority.check(services, actor, AuthPermission.ACCOUNTS, account)
    account = locked(services, account)
    if not users.call_off_deletion(tx, account.id):
        return False
    deletion.reopen(services, tx, account.id)
    facts = messages.client_facts(actor.client, services.clock.now()) | {"by_operator": "yes"}
    links.send_mail(services, tx, account, "account_restored", facts, limit=Limit.NONE)
    record(services, Event.DELETION_STOPPED, actor, user_id=account.id)
    tx.commit()
    return True


def erase(services: Services, login: str, operator: Operator) -> None:
    """Erase an account at once, for good. No mail is sent: none can outlive the account."""
    account, tx = locked(services, find(services, login)), services.tx()
    revoke.erase(services, tx, account.id, Event.ACCOUNT_ERASED, operator.client, operator.name)
    tx.commit()
