"""Change the email address, and undo the change."""

from auth.errors import EmailTaken
from auth.events import EndReason, Event, LinkPurpose
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from auth.mailing.links import OpenLink
from auth.refusals import recorded
from auth.revocation import prior_access, revoke
from auth.revocation.prior_access import Shown
from auth.sessions import step_up
from auth.stores import audit, one_time_tokens, users
from models import Account
from utils.client_info import ClientInfo
from utils.services import Principal, Services


def request_change(
    services: Services, principal: Principal, email: str, challenge_response: str | None, client: ClientInfo
) -> None:
    """Mail a link to the new address. Nothing changes until it is used.

    Needs a fresh login, by factor if there is one, as later links go to the new address. Whether the address
    is taken is decided when the mail is sent; here the same rows are written in both cases. Raises
    `ReauthRequired`; for an account without a confirmed address, beyond the ceiling on mails to unproven
    addresses, `ChallengeRequired` or `TooManyRequests`.
    """
    if principal.account.email_verified_at is None:
        services.ceilings.check(
            "unproven-mails", route="email_change", response=challenge_response, address=client.address
        )
    _, account = step_up.lock_for_credential_change(services, principal)
    tx, now = services.tx(), services.clock.now()
    purpose, limit = LinkPurpose.EMAIL_CHANGE, Limit.COUNTED
    links.send_link(services, tx, account, purpose, "change_email", {}, to=email, limit=limit)
    audit.append(tx, Event.EMAIL_CHANGE_REQUESTED, now, client, user_id=account.id)
    tx.commit()


def move(services: Services, account: Account, link: OpenLink, client: ClientInfo) -> None:
    """Give the account the address of the link. The old address is notified; if confirmed, it is reserved."""
    tx, now = services.tx(), services.clock.now()
    if one_time_tokens.address_is_reserved(tx, link.email, account.id, now):
        raise EmailTaken
    if not users.change_email(tx, account.id, link.email, now):
        raise EmailTaken
    one_time_tokens.void_unproven_undos(tx, link.email, account.id, now)
    one_time_tokens.void(tx, account.id, revoke.SESSION_LINKS, now)
    facts, notice = messages.client_facts(client, now), Limit.ADDRESS_NOTICE
    links.send_link(services, tx, account, LinkPurpose.EMAIL_UNDO, "email_changed", facts, limit=notice)
    audit.append(tx, Event.EMAIL_CHANGED, now, client, user_id=account.id)


def undo_change(services: Services, token: str, shown: Shown, client: ClientInfo) -> None:
    """Restore the old address and lock out the person who changed it.

    Ends every session, voids every link to later addresses, and blocks the password until a reset, whose link
    is mailed to the restored address. If another account has the address by now, which an unconfirmed one can
    be, everything else is done and no mail is sent. For second factors see `revoke.disown`. Raises
    `EmailTaken` then, or one of `links.REFUSALS`.
    """
    tx = services.tx()
    with recorded(services, *links.REFUSALS):
        link, account = links.redeem(services, token, LinkPurpose.EMAIL_UNDO, client=client)
    now, since = services.clock.now(), link.created_at
    access = prior_access.access_since(services, tx, account.id, shown, since)
    # Only later changes: the owner of an earlier address keeps a way back to it.
    one_time_tokens.void(tx, account.id, [LinkPurpose.EMAIL_UNDO], now, since=since)
    is_reserved = one_time_tokens.address_is_reserved(tx, link.email, account.id, now)
    if is_reserved or not users.change_email(tx, account.id, link.email, now):
        why = EndReason.DISOWNED
        revoke.lock_out(services, tx, account, why, since=since, access_since=access, mailed=False)
        audit.append(tx, Event.SIGN_IN_DISOWNED, now, client, user_id=account.id)
        tx.commit()
        raise EmailTaken
    one_time_tokens.void_unproven_undos(tx, link.email, account.id, now)
    owner, why = account._replace(email=link.email), EndReason.EMAIL_CHANGE_UNDONE
    revoke.lock_out(services, tx, owner, why, since=since, access_since=access)
    audit.append(tx, Event.EMAIL_CHANGE_UNDONE, now, client, user_id=account.id)
    tx.commit()
