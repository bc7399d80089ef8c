"""What events are called: their texts for the owner of an account, in English."""

from collections.abc import Callable
from typing import cast

from auth.events import Event, Refusal
from utils.languages.text import Text

# Texts for the owner of an account, one per event.
EVENT_TEXTS: dict[Event, str] = {
    Event.ACCOUNT_REGISTERED: "You signed up.",
    Event.ACCOUNT_CREATED: "The account was made by an operator.",
    Event.SIGNED_IN: "You logged in.",
    Event.SIGNED_IN_WITH_CODE: "You logged in with an authenticator code.",
    Event.SIGNED_IN_WITH_RECOVERY_CODE: "You logged in with a recovery code.",
    Event.SIGNED_IN_WITH_PASSKEY: "You logged in with a passkey.",
    Event.SIGNED_IN_AT_CONFIRMATION: "You were logged in, as you confirmed your address where you signed up.",
    Event.SIGN_IN_REFUSED: "A login was refused.",
    Event.SECOND_FACTOR_ASKED: "The password was right, and the second factor was asked for.",
    Event.SECOND_FACTOR_REFUSED: "A second factor was refused.",
    Event.SESSION_REFRESHED: "A session was renewed.",
    Event.STRANGERS_SHUT_OUT: (
        "Too many wrong passwords: new devices cannot log in until a new password is set."
    ),
    Event.REFRESH_TOKEN_REUSED: "A used token of a session was used again, and the session was ended.",
    Event.SIGNED_OUT: "You logged out.",
    Event.SESSION_ENDED: "You ended a session.",
    Event.OTHER_SESSIONS_ENDED: "You ended all other sessions.",
    Event.SIGN_IN_DISOWNED: (
        "A login or a change was reported as not yours. "
        "All sessions were ended, and the password was blocked."
    ),
    Event.REAUTHENTICATED: "You confirmed again that it is you.",
    Event.PROOF_REFUSED: "A confirmation by password was refused.",
    Event.LINK_REFUSED: "A mailed link was refused.",
    Event.VERIFICATION_REQUESTED: "The mail to confirm the address was asked for.",
    Event.EMAIL_VERIFIED: "You confirmed your address.",
    Event.REGISTRATION_REJECTED: "The registration was rejected.",
    Event.REGISTRATION_REPEATED: "A person tried to sign up with your address.",
    Event.PASSWORD_RESET_REQUESTED: "A link for a new password was asked for.",
    Event.PASSWORD_RESET: "You set a new password with a mailed link.",
    Event.PASSWORD_CHANGED: "You changed your password.",
    Event.TOTP_BEGUN: "You began to set up an authenticator app.",
    Event.TOTP_ENABLED: "You switched authenticator codes on.",
    Event.TOTP_DISABLED: "You switched authenticator codes off.",
    Event.RECOVERY_CODES_REPLACED: "You made new recovery codes.",
    Event.PASSKEY_ADDED: "You added a passkey.",
    Event.PASSKEY_RENAMED: "You renamed a passkey.",
    Event.PASSKEY_REMOVED: "You removed a passkey.",
    Event.FACTORS_RESET_STOPPED: "The removal of your second factors was stopped.",
    Event.FACTORS_RESET: "Your second factors were removed, after a delay of a day.",
    Event.PASSWORD_REMOVED: "You removed your password.",
    Event.USERNAME_CHANGED: "You changed your user name.",
    Event.EMAIL_CHANGE_REQUESTED: "You asked to change your address.",
    Event.EMAIL_CHANGED: "You changed your address.",
    Event.EMAIL_CHANGE_UNDONE: "You took a change of address back.",
    Event.API_TOKEN_CREATED: "You created an API token.",
    Event.API_TOKEN_REVOKED: "An API token was removed.",
    Event.APP_ALLOWED: "You allowed an app to use your account.",
    Event.APP_REFUSED: "You did not allow an app.",
    Event.APP_SIGNED_IN: "You logged in to an app.",
    Event.APP_REFRESHED: "An app renewed its access.",
    Event.APP_REMOVED: "You removed an app.",
    Event.APP_ENDED: "An app ended its access.",
    Event.APP_TOKEN_REUSED: "A used token of an app was used again, and its access was ended.",
    Event.APP_CODE_REUSED: "A used code of an app was used again, and its access was ended.",
    Event.DATA_EXPORTED: "You exported your data.",
    Event.DELETION_REQUESTED: "You asked for the deletion of the account.",
    Event.ACCOUNT_RESTORED: "You kept the account.",
    Event.ACCOUNT_ERASED: "An account was erased.",
    Event.MAIL_GIVEN_UP: "A mail to you could not be delivered.",
    Event.ROLE_DEFINED: "An operator defined a role.",
    Event.ROLE_DELETED: "An operator deleted a role.",
    Event.ROLE_GRANTED: "You were given a role.",
    Event.ROLE_REVOKED: "A role was taken from you.",
    Event.ROLES_LISTED: "An operator listed the roles.",
    Event.AUDIT_READ: "An operator read the audit log.",
    Event.ACCOUNTS_LISTED: "An operator listed accounts.",
    Event.ACCOUNTS_IMPORTED: "An operator imported accounts.",
    Event.ACCOUNTS_EXPORTED: "An operator exported all accounts.",
    Event.FOREIGN_HASHES_FORGOTTEN: "An operator removed imported passwords that were never used.",
    Event.ACCOUNT_SHOWN: "An operator looked at the account.",
    Event.ACCOUNT_DISABLED: "An operator disabled the account.",
    Event.ACCOUNT_ENABLED: "An operator enabled the account.",
    Event.ACCOUNT_CLOSED: "An operator closed the account.",
    Event.DELETION_STOPPED: "An operator stopped the deletion of the account.",
    Event.EMAIL_CONFIRMED: "An operator confirmed your address.",
    Event.EMAIL_CHANGE_BEGUN: "An operator had a link to change your address sent to the new one.",
    Event.ALL_SESSIONS_ENDED: "An operator ended all sessions.",
    Event.TOKEN_ISSUED: "An operator made an access token.",
    Event.RESET_SENT: "An operator had a link for a new password sent to you.",
    Event.FACTORS_RESET_BEGUN: "An operator began to remove your second factors.",
    Event.TOTP_UNBLOCKED: "An operator allowed authenticator codes again.",
    Event.LOCKED_OUT: "An operator ended all sessions of your account and blocked the password.",
    Event.SECRETS_RESEALED: "An operator encrypted secrets with a new key.",
    Event.PRUNED: "An operator deleted old data.",
    Event.CLIENT_CREATED: "An operator registered an app.",
    Event.CLIENT_CHANGED: "An operator changed an app.",
    Event.CLIENT_DISABLED: "An operator disabled an app.",
    Event.CLIENT_REMOVED: "An operator removed an app.",
    Event.CLIENT_SECRET_ROTATED: "An operator replaced the secret of an app.",
    Event.RESOURCE_CHANGED: "An operator changed a resource.",
    Event.KEYS_ROTATED: "The signing keys were rotated.",
    Event.NOTICE_GIVEN_UP: "An app could not be told of a log-out.",
    Event.DATABASE_COPIED: "An operator copied all data to another database.",
}
REASON_TEXTS: dict[Refusal, str] = {
    Refusal.UNKNOWN: "no account has this name",
    Refusal.WRONG_PASSWORD: "wrong password",
    Refusal.NO_PASSWORD: "the account has no password",
    Refusal.DISABLED: "the account is disabled",
    Refusal.LEAVING: "the account is to be erased",
    Refusal.PASSWORD_BLOCKED: "the password is blocked until a reset",
    Refusal.EMAIL_NOT_VERIFIED: "the address is not confirmed",
    Refusal.CHANGED_MEANWHILE: "the account was changed at that moment",
    Refusal.TOO_MANY_FAILURES: "too many wrong passwords before",
    Refusal.WRONG_CODE: "wrong code",
    Refusal.TOTP_BLOCKED: "a hundred wrong codes in a row before",
    Refusal.SEAL_BROKEN: "the service could not read its secret",
    Refusal.WRONG_PASSKEY: "the passkey was not right",
    Refusal.CODE_USED: "the code had been used",
    Refusal.CHALLENGE_EXPIRED: "it took too long",
    Refusal.CHALLENGE_USED: "the login was over, or something was changed meanwhile",
    Refusal.LINK_EXPIRED: "it had expired",
    Refusal.LINK_USED: "it had been used",
}


_STOPS = ".\u3002\u0964\u06d4"  # Latin and others, Chinese, Devanagari, Urdu


def event_text(
    event: str, reason: str | None, detail: str | None = None, say: Callable[[str], str] = str
) -> str:
    """Return the text of an event for the owner, in the language of `say`.

    `detail` is the name of a role, a token or an app, or an operator's reason.
    """
    # During a rolling release, a newer process may have written an event that this one does not know.
    sentence = EVENT_TEXTS.get(cast(Event, event)) or Text("Something happened.")
    reason_text = REASON_TEXTS.get(cast(Refusal, reason)) if reason else None
    more = say(reason_text) if reason_text else detail
    said = say(sentence)
    return say(Text("{event}: {more}.", event=said.rstrip(_STOPS), more=more)) if more else said
