"""Account deletion: request it, and cancel it within 14 days."""

from datetime import datetime

from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets
from auth.mailing import links, messages
from auth.mailing.links import LIFETIMES
from auth.revocation import revoke
from auth.sessions import step_up
from auth.stores import audit, one_time_tokens, users
from utils.client_info import ClientInfo
from utils.services import Principal, Services


def request(services: Services, principal: Principal, client: ClientInfo) -> datetime:
    """Close the caller's account at once, and erase it after 14 days; when that will be.

    A link that keeps it is mailed. Wants a fresh sign-in: raises `ReauthRequired`.
    """
    step_up.fresh_session(services, principal)
    session, now = services.session(), services.clock.now()
    account = step_up.lock_for_change(services, principal)
    due = now + LIFETIMES[LinkPurpose.RESTORE]
    users.schedule_deletion(session, account.id, due)
    # Whoever leaves may be an intruder: the links that disown their sign-in stay.
    revoke.revoke_all(
        services, session, account.id, EndReason.DELETION_REQUESTED, purposes=revoke.CREDENTIAL_LINKS
    )
    facts = {"erase_at": messages.moment_text(due)}
    links.send_link(
        services,
        session,
        account,
        LinkPurpose.RESTORE,
        "deletion_requested",
        facts,
        limited=False,
        expires_at=due,
    )
    audit.append(session, Event.DELETION_REQUESTED, now, client, user_id=account.id)
    session.commit()
    return due


def restore(services: Services, token: str, client: ClientInfo) -> None:
    """Call the deletion off. Signs nobody in. Raises one of the refusals of links."""
    session = services.session()
    try:
        account = links.consume(
            services, links.open_link(services, token, LinkPurpose.RESTORE, client=client), client
        )
    except links.REFUSALS:
        session.commit()
        raise
    now = services.clock.now()
    users.call_off_deletion(session, account.id)
    resets.postpone(services, session, account.id)
    one_time_tokens.void(session, account.id, [LinkPurpose.RESTORE], now)
    links.notify(services, session, account, "account_restored", client)
    audit.append(session, Event.ACCOUNT_RESTORED, now, client, user_id=account.id)
    session.commit()
