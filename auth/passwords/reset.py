"""Reset a forgotten password with a mailed link."""

from auth.account_state import Use, refusal
from auth.events import EndReason, Event, LinkPurpose
from auth.factors import resets
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from auth.passwords import policy
from auth.refusals import recorded
from auth.revocation import revoke
from auth.stores import api_tokens, audit, known_devices, one_time_tokens, users
from models import iso
from utils.client_info import ClientInfo
from utils.services import Services


def forgot(services: Services, email: str, client: ClientInfo) -> None:
    """Mail a link for a new password, if the address has an account.

    Neither the answer, its time nor what is written tells whether it has one. An account that is to be erased
    is mailed the link that restores it, as a password would not open it.
    """
    tx, now = services.tx(), services.clock.now()
    account = users.by_email(tx, email)
    if account and refusal(account, Use.RESET_PASSWORD):
        account = None
    if account and account.deletion_due_at:
        facts = {"erase_at": iso(account.deletion_due_at)}
        due = account.deletion_due_at
        links.send_link(
            services, tx, account, LinkPurpose.RESTORE, "deletion_requested", facts, expires_at=due
        )
    else:
        links.send_link(services, tx, account, LinkPurpose.RESET, "reset_password", {}, typed=email)
    if account:
        audit.count_requested(tx, Event.PASSWORD_RESET_REQUESTED, account.id, now, client)
    else:
        audit.count_unknown(tx, Event.PASSWORD_RESET_REQUESTED, None, now, client)
    tx.commit()


def check_link(services: Services, token: str) -> str:
    """Return the address of a valid reset link without consuming it. Raises one of `links.REFUSALS`."""
    return links.open_link(services, token, LinkPurpose.RESET, client=None).email


def reset(services: Services, token: str, password: str, client: ClientInfo) -> None:
    """Set a new password with a mailed link. Ends all sessions, revokes API tokens, and starts no session.

    Opening the link proves the address: it counts as confirmed, and the factors and devices of a person who
    registered it before are removed. Raises one of `links.REFUSALS`, or `PasswordContainsContext` or
    `PasswordLeaked`, which do not consume the link.
    """
    tx = services.tx()
    with recorded(services, *links.REFUSALS):
        link = links.open_link(services, token, LinkPurpose.RESET, client=client)
        tx.rollback()  # release the connection during hashing
        account = link.account
        policy.refuse_context_words(services, password, username=account.username, email=account.email)
        policy.refuse_leaked(services, password)
        hashed = services.hasher.hash(password)
        account = links.consume(services, link, client)
    now = services.clock.now()
    users.set_password(tx, account.id, hashed, now)
    known_devices.reset_all_failures(tx, account.id)
    known_devices.distrust_all(tx, account.id)
    known_devices.note_reset(tx, account.id, now)
    if users.confirm_email(tx, account.id, now):
        one_time_tokens.void_unproven_undos(tx, account.email, account.id, now)
        # Devices and factors are those of the person who registered the address.
        known_devices.forget_all(tx, account.id)
        resets.remove_factors_silently(services, tx, account.id)
    resets.postpone(services, tx, account.id)
    # "This wasn't me" is still to be said of a factor, whose mail came before.
    revoke.revoke_all(services, tx, account.id, EndReason.PASSWORD_RESET, purposes=revoke.CREDENTIAL_LINKS)
    api_tokens.revoke_all(tx, account.id, now)
    facts = messages.client_facts(client, now)
    links.send_mail(services, tx, account, "password_changed", facts, limit=Limit.SECURITY_NOTICE)
    audit.append(tx, Event.PASSWORD_RESET, now, client, user_id=account.id)
    tx.commit()
