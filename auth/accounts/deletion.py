"""Account deletion: request it, and cancel it within 14 days. `auth.admin.closing` does it for operators."""

from datetime import datetime

from sqlalchemy.orm import Session

from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets
from auth.mailing import links
from auth.mailing.limits import Limit
from auth.mailing.links import LIFETIMES
from auth.refusals import recorded
from auth.revocation import revoke
from auth.roles import authority
from auth.sessions import step_up
from auth.stores import api_tokens, audit, one_time_tokens, users
from models import Account, iso
from utils.client_info import ClientInfo
from utils.services import Principal, Services


def request(services: Services, principal: Principal, client: ClientInfo) -> datetime:
    """Close the caller's account at once, to be erased after 14 days; return when.

    Its sessions end and its API tokens are revoked, for good. A link that restores it is mailed. Raises
    `ReauthRequired` without a fresh login, or `LastAdministrator`.
    """
    step_up.fresh_session(services, principal)
    tx, now = services.tx(), services.clock.now()
    authority.keep_an_administrator(services, principal.user_id)
    account = step_up.lock_for_change(services, principal)
    due = now + LIFETIMES[LinkPurpose.RESTORE]
    users.schedule_deletion(tx, account.id, due)
    close(services, tx, account, due, EndReason.DELETION_REQUESTED, "deletion_requested")
    audit.append(tx, Event.DELETION_REQUESTED, now, client, user_id=account.id)
    tx.commit()
    return due


def close(
    services: Services, tx: Session, account: Account, due: datetime, reason: EndReason, template: str
) -> None:
    """Close an account that is locked and scheduled for erasure at `due`.

    Ends its sessions, revokes its API tokens, and mails a link that restores it. Links that disown a login
    stay valid, as the caller may be an intruder.
    """
    revoke.revoke_all(services, tx, account.id, reason, purposes=revoke.CREDENTIAL_LINKS)
    api_tokens.revoke_all(tx, account.id, services.clock.now())
    facts, limit = {"erase_at": iso(due)}, Limit.SECURITY_NOTICE
    purpose = LinkPurpose.RESTORE
    links.send_link(services, tx, account, purpose, template, facts, limit=limit, expires_at=due)


def restore(services: Services, token: str, client: ClientInfo) -> None:
    """Cancel the deletion. Starts no session. Raises one of `links.REFUSALS`."""
    tx = services.tx()
    with recorded(services, *links.REFUSALS):
        _, account = links.redeem(services, token, LinkPurpose.RESTORE, client=client)
    now = services.clock.now()
    users.call_off_deletion(tx, account.id)
    reopen(services, tx, account.id)
    links.notify(services, tx, account, "account_restored", client)
    audit.append(tx, Event.ACCOUNT_RESTORED, now, client, user_id=account.id)
    tx.commit()


def reopen(services: Services, tx: Session, user_id: int) -> None:
    """Void the links that restore an account, whose deletion was cancelled; postpone a reset of factors."""
    resets.postpone(services, tx, user_id)
    one_time_tokens.void(tx, user_id, [LinkPurpose.RESTORE], services.clock.now())
