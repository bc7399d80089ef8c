"""Account deletion: request it, and cancel it within 14 days."""

from datetime import datetime

from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from auth.mailing.links import LIFETIMES
from auth.refusals import recorded
from auth.revocation import revoke
from auth.roles import authority
from auth.sessions import step_up
from auth.stores import api_tokens, audit, one_time_tokens, users
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
    # The caller may be an intruder. Links that disown a login stay; the intruder's API tokens do not.
    revoke.revoke_all(
        services, tx, account.id, EndReason.DELETION_REQUESTED, purposes=revoke.CREDENTIAL_LINKS
    )
    api_tokens.revoke_all(tx, account.id, now)
    facts = {"erase_at": messages.moment_text(due)}
    links.send_link(
        services,
        tx,
        account,
        LinkPurpose.RESTORE,
        "deletion_requested",
        facts,
        limit=Limit.SECURITY_NOTICE,
        expires_at=due,
    )
    audit.append(tx, Event.DELETION_REQUESTED, now, client, user_id=account.id)
    tx.commit()
    return due


def restore(services: Services, token: str, client: ClientInfo) -> None:
    """Cancel the deletion. Starts no session. Raises one of `links.REFUSALS`."""
    tx = services.tx()
    with recorded(services, *links.REFUSALS):
        _, account = links.redeem(services, token, LinkPurpose.RESTORE, client=client)
    now = services.clock.now()
    users.call_off_deletion(tx, account.id)
    resets.postpone(services, tx, account.id)
    one_time_tokens.void(tx, account.id, [LinkPurpose.RESTORE], now)
    links.notify(services, tx, account, "account_restored", client)
    audit.append(tx, Event.ACCOUNT_RESTORED, now, client, user_id=account.id)
    tx.commit()
