"""Change the password, or remove it."""

from auth.errors import LastWayIn, NoPassword, PasswordUnchanged, WrongCurrentPassword
from auth.events import EndReason, Event, LinkPurpose
from auth.mailing import links
from auth.passwords import check, policy
from auth.sessions import ending, step_up
from auth.stores import (
    api_tokens,
    audit,
    challenges,
    known_devices,
    one_time_tokens,
    passkeys,
    sessions,
    users,
)
from utils.client_info import ClientInfo
from utils.errors import TokenInvalid
from utils.languages.text import Text
from utils.services import Principal, Services


def change(
    services: Services,
    principal: Principal,
    *,
    current_password: str,
    new_password: str,
    end_other_sessions: bool,
    end_apps: bool,
    revoke_api_tokens: bool,
    client: ClientInfo,
) -> list[str]:
    """Change the password, with the current one, and return the names of the API tokens that still work.

    `end_apps` ends the access of apps that outlives sessions, also such as the calling session gave. Access
    that is bound to a session ends with it.

    Raises `PasswordContainsContext`, `WrongCurrentPassword`, `PasswordUnchanged`, `PasswordLeaked`, or
    `TokenInvalid` if the calling session ended meanwhile.
    """
    current, account = step_up.own_session(principal), principal.account
    policy.refuse_context_words(
        services, new_password, username=account.username, email=account.email, field="new_password"
    )
    is_right = check.is_password(services, account, current_password)
    is_new = new_password != current_password
    if is_right and is_new:
        policy.refuse_leaked(services, new_password, field="new_password")
    hashed = services.hasher.hash(new_password) if is_right and is_new else ""
    tx, now = services.tx(), services.clock.now()
    if not is_right or not users.lock_if_unchanged(tx, account):
        check.record_failure(services, account, client, session_id=current)
        tx.commit()
        raise WrongCurrentPassword(fields={"current_password": Text("is not right")})
    if not is_new:
        raise PasswordUnchanged(fields={"new_password": Text("is the present one")})
    if not sessions.still_admitted(tx, current, account.id, now):
        raise TokenInvalid
    users.set_password(tx, account.id, hashed, now)
    known_devices.reset_all_failures(tx, account.id)
    challenges.void(tx, account.id, now)
    one_time_tokens.void(tx, account.id, [LinkPurpose.RESET, LinkPurpose.EMAIL_CHANGE], now)
    if end_other_sessions:
        ending.end_others(services, tx, current, account.id, EndReason.PASSWORD_CHANGED, now)
    if end_apps:
        services.listener.offline_revoked(services, tx, account.id, now)
    if revoke_api_tokens:
        api_tokens.revoke_all(tx, account.id, now)
    live = api_tokens.live_names(tx, account.id, now)
    links.notify(services, tx, account, "password_changed", client)
    audit.append(tx, Event.PASSWORD_CHANGED, now, client, user_id=account.id, session_id=current)
    tx.commit()
    return live


def remove(services: Services, principal: Principal, client: ClientInfo) -> None:
    """Remove the password, so that only a passkey opens the account.

    Ends the other sessions, and the access of apps that outlives sessions. A mailed reset sets a password
    again. Raises `ReauthRequired`, as a change of factors does, `NoPassword`, and `LastWayIn` if there is no
    passkey.
    """
    current, account = step_up.lock_for_credential_change(services, principal)
    tx, now = services.tx(), services.clock.now()
    if account.password_hash is None:
        raise NoPassword
    if not passkeys.count(tx, account.id):
        raise LastWayIn
    users.remove_password(tx, account.id, now)
    known_devices.reset_all_failures(tx, account.id)
    known_devices.distrust_all(tx, account.id)
    challenges.void(tx, account.id, now)
    one_time_tokens.void(tx, account.id, [LinkPurpose.RESET, LinkPurpose.EMAIL_CHANGE], now)
    ending.end_others(services, tx, current, account.id, EndReason.PASSWORD_REMOVED, now)
    services.listener.offline_revoked(services, tx, account.id, now)
    links.notify(services, tx, account, "password_removed", client)
    audit.append(tx, Event.PASSWORD_REMOVED, now, client, user_id=account.id, session_id=current)
    tx.commit()
