"""Passwords: a forgotten one, a known one that is changed, and one that is done without."""

from auth import mails
from auth.errors import LastWayIn, NoPassword, PasswordUnchanged, WrongCurrentPassword
from auth.events import EndReason, Event, Purpose
from auth.flows.steps import endings, factor_resets, links, new_passwords, proofs
from auth.stores import audit, challenges, known_devices, one_time_tokens, passkeys, sessions, users
from utils.client_info import ClientInfo
from utils.errors import TokenInvalid
from utils.services import Principal, Services


def forgot(services: Services, email: str, client: ClientInfo) -> None:
    """Mail a link for a new password, if there is an account to mail it for.

    Nothing in the answer, its time or what is written tells whether there is one. An account that
    is leaving is mailed the link that keeps it instead, as a password would not open it.
    """
    session, now = services.session(), services.clock.now()
    account = users.by_email(session, email)
    if account and account.disabled_at:
        account = None
    if account and account.deletion_due_at:
        facts = {"erase_at": mails.in_words(account.deletion_due_at)}
        due = account.deletion_due_at
        links.send_link(
            services, session, account, Purpose.RESTORE, "deletion_requested", facts, expires_at=due
        )
    else:
        links.send_link(services, session, account, Purpose.RESET, "reset_password", {})
    if account:
        audit.append(session, Event.PASSWORD_RESET_REQUESTED, now, client, user_id=account.id)
    else:
        audit.count_unknown(session, Event.PASSWORD_RESET_REQUESTED, None, now, client)
    session.commit()


def check_link(services: Services, token: str) -> str:
    """The address of a reset link that would work. Uses nothing up. Raises one of the refusals of links."""
    return links.opened(services, token, Purpose.RESET, client=None).email


def reset(services: Services, token: str, password: str, client: ClientInfo) -> None:
    """Set a new password with a mailed link. Ends all sessions and signs nobody in.

    Who opens the link has proven the address: from now on it counts as confirmed, and whoever
    registered it before has a password no more. Raises one of the refusals of links,
    or `PasswordContainsContext` or `PasswordLeaked`, which leave the link as it was.
    """
    session = services.session()
    try:
        link = links.opened(services, token, Purpose.RESET, client=client)
        session.rollback()  # hashing takes a while, and nobody holds a connection meanwhile
        account = link.account
        new_passwords.refuse_own_words(services, password, username=account.username, email=account.email)
        new_passwords.refuse_leaked(services, password)
        hashed = services.hasher.hash(password)
        account = links.use(services, link, client)
    except links.REFUSALS:
        session.commit()
        raise
    now = services.clock.now()
    users.set_password(session, account.id, hashed, now)
    known_devices.forgive_all(session, account.id)
    known_devices.distrust_all(session, account.id)
    if users.confirm_email(session, account.id, now):
        known_devices.forget_all(session, account.id)  # those of whoever signed up,
        factor_resets.forget_all(services, session, account.id)  # and so are these
    factor_resets.postpone(services, session, account.id)
    # "This wasn't me" is still to be said of a factor, whose mail came before.
    endings.end_everything(services, session, account.id, EndReason.PASSWORD_RESET, purposes=endings.OPENING)
    links.notify(services, session, account, "password_changed", client)
    audit.append(session, Event.PASSWORD_RESET, now, client, user_id=account.id)
    session.commit()


def change(
    services: Services,
    principal: Principal,
    *,
    current_password: str,
    new_password: str,
    end_other_sessions: bool,
    client: ClientInfo,
) -> None:
    """Set a new password with the present one. Ends the other sessions unless told not to.

    Raises `PasswordContainsContext`, `WrongCurrentPassword`, `PasswordUnchanged`, `PasswordLeaked`, or
    `TokenInvalid` if the calling session ended meanwhile.
    """
    current, account = proofs.own_session(principal), principal.account
    new_passwords.refuse_own_words(
        services, new_password, username=account.username, email=account.email, field="new_password"
    )
    is_right = proofs.is_password(services, account, current_password)
    is_new = new_password != current_password
    if is_right and is_new:
        new_passwords.refuse_leaked(services, new_password, field="new_password")
    hashed = services.hasher.hash(new_password) if is_right and is_new else ""
    session, now = services.session(), services.clock.now()
    if not is_right or not users.is_unchanged(session, account):
        proofs.write_refusal(services, account, client, session_id=current)
        session.commit()
        raise WrongCurrentPassword(fields={"current_password": "is not right"})
    if not is_new:
        raise PasswordUnchanged(fields={"new_password": "is the present one"})
    if not sessions.still_admitted(session, current, account.id, now):
        raise TokenInvalid
    users.set_password(session, account.id, hashed, now)
    known_devices.forgive_all(session, account.id)
    challenges.void(session, account.id, now)
    one_time_tokens.void(session, account.id, [Purpose.RESET, Purpose.EMAIL_CHANGE], now)
    if end_other_sessions:
        ended = sessions.end_others(session, current, account.id, EndReason.PASSWORD_CHANGED, now)
        services.metrics.sessions_ended.labels(EndReason.PASSWORD_CHANGED).inc(ended)
    links.notify(services, session, account, "password_changed", client)
    audit.append(session, Event.PASSWORD_CHANGED, now, client, user_id=account.id, session_id=current)
    session.commit()


def remove(services: Services, principal: Principal, client: ClientInfo) -> None:
    """Do without a password: a passkey alone opens the account from now on. Ends the other sessions.

    A reset by mail sets one again. Raises `ReauthRequired`, as a change of factors does, `NoPassword`, and
    `LastWayIn` where there is no passkey.
    """
    current, account = proofs.lock_when_proven(services, principal)
    session, now = services.session(), services.clock.now()
    if account.password_hash is None:
        raise NoPassword
    if not passkeys.count(session, account.id):
        raise LastWayIn
    users.remove_password(session, account.id, now)
    known_devices.forgive_all(session, account.id)
    known_devices.distrust_all(session, account.id)
    challenges.void(session, account.id, now)
    one_time_tokens.void(session, account.id, [Purpose.RESET, Purpose.EMAIL_CHANGE], now)
    ended = sessions.end_others(session, current, account.id, EndReason.PASSWORD_REMOVED, now)
    services.metrics.sessions_ended.labels(EndReason.PASSWORD_REMOVED).inc(ended)
    links.notify(services, session, account, "password_removed", client)
    audit.append(session, Event.PASSWORD_REMOVED, now, client, user_id=account.id, session_id=current)
    session.commit()
