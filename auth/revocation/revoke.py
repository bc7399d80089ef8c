"""Revocation: end the sessions and tokens of an account, lock an intruder out, erase the account."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets
from auth.mailing import links
from auth.mailing.limits import Limit
from auth.refusals import recorded
from auth.revocation import prior_access, usernames
from auth.revocation.prior_access import Shown
from auth.sessions import ending
from auth.stores import (
    api_tokens,
    audit,
    challenges,
    known_devices,
    one_time_tokens,
    second_factors,
    users,
)
from models import Account, iso
from utils.client_info import ClientInfo
from utils.services import Services

# Links that let a password or an address be set.
CREDENTIAL_LINKS = (LinkPurpose.VERIFY, LinkPurpose.RESET, LinkPurpose.EMAIL_CHANGE)
# Those, and links of mails about logins that are ended. Undo and restore links stay valid.
SESSION_LINKS = (*CREDENTIAL_LINKS, LinkPurpose.DISOWN)


def revoke_all(
    services: Services,
    tx: Session,
    user_id: int,
    reason: EndReason,
    *,
    purposes: Iterable[LinkPurpose] = SESSION_LINKS,
) -> int:
    """End all sessions, pending logins, tokens, links of these purposes, and the access of apps.

    Returns the number of sessions. Not API tokens: while the account is disabled they are refused, and
    afterwards they work again.
    """
    now = services.clock.now()
    users.void_tokens(tx, user_id, now)
    challenges.void(tx, user_id, now)
    one_time_tokens.void(tx, user_id, purposes, now)
    return ending.end_account(services, tx, user_id, reason, now)


def lock_out(
    services: Services,
    tx: Session,
    account: Account,
    reason: EndReason,
    *,
    since: datetime,
    access_since: datetime | None,
    mailed: bool = True,
) -> None:
    """Lock an intruder out of this account, who has had access since the given time.

    Ends every session, revokes every API token, forgets every device, and removes the factors added since, at
    once or after a day, if the caller had access before them (`resets.remove_suspect_factors`). Cancels a
    pending deletion and a pending reset of factors. Blocks the password until a reset, whose link is mailed
    if `mailed` is true.
    """
    revoke_all(services, tx, account.id, reason, purposes=(*SESSION_LINKS, LinkPurpose.RESTORE))
    api_tokens.revoke_all(tx, account.id, services.clock.now())
    users.block_password(tx, account.id, services.clock.now())
    users.call_off_deletion(tx, account.id)
    known_devices.forget_all(tx, account.id)
    second_factors.call_off_reset(tx, account.id)
    suspects = resets.remove_suspect_factors(services, tx, account, since, access_since)
    if not mailed:
        return
    facts = {
        "factors_due": iso(suspects.due) if suspects.due else "",
        "factors_stay": "yes" if suspects.stay else "",
    }
    notice = Limit.SECURITY_NOTICE
    links.send_link(services, tx, account, LinkPurpose.RESET, "password_blocked", facts, limit=notice)


def erase(
    services: Services,
    tx: Session,
    user_id: int,
    event: Event,
    client: ClientInfo,
    operator: str | None = None,
) -> None:
    """Erase an account that this transaction holds locked, with everything that refers to it.

    Its audit events stay without personal data, and its user name as a keyed digest. The event of the erasure
    names no caller, who may be the person.
    """
    if account := users.by_id(tx, user_id):
        usernames.give_up_erased(services, tx, account)
    audit.forget_person(tx, user_id)
    services.upkeep.forget_person(tx, user_id)
    services.listener.account_revoked(services, tx, user_id, services.clock.now())
    users.erase(tx, user_id)
    anonymous = ClientInfo(address=None, user_agent="", request_id=client.request_id)
    audit.append(tx, event, services.clock.now(), anonymous, operator=operator)


def disown(services: Services, token: str, shown: Shown, client: ClientInfo) -> None:
    """End every session, revoke API tokens, forget devices, and block the password ("this wasn't me").

    The link for the reset is mailed. A pending deletion is cancelled. Factors of the last days are removed
    only if the caller shows access from before them; a mailbox alone lifts none. Raises `LinkUnknown`,
    `LinkExpired` or `LinkUsed`.
    """
    tx, now = services.tx(), services.clock.now()
    with recorded(services, *links.REFUSALS):
        link, account = links.redeem(services, token, LinkPurpose.DISOWN, client=client)
    since = link.created_at
    access = prior_access.access_since(services, tx, account.id, shown, since)
    lock_out(services, tx, account, EndReason.DISOWNED, since=since, access_since=access)
    audit.append(tx, Event.SIGN_IN_DISOWNED, now, client, user_id=account.id)
    tx.commit()
