"""Stored values: audit events, refusal reasons, end reasons of sessions, and purposes of one-time tokens."""

from enum import StrEnum
from typing import cast


class Event(StrEnum):
    """Audit events. Published values never change their meaning.

    Every action writes exactly one, but for refreshes (one for each session and hour), refused apps
    (one for each app and hour), and what strangers ask of an account (one for each network and hour).
    """

    ACCOUNT_REGISTERED = "account_registered"
    ACCOUNT_CREATED = "account_created"  # by an operator, who is named in the row
    SIGNED_IN = "signed_in"
    SIGNED_IN_WITH_CODE = "signed_in_with_code"  # and the password
    SIGNED_IN_WITH_RECOVERY_CODE = "signed_in_with_recovery_code"  # and the password
    SIGNED_IN_WITH_PASSKEY = "signed_in_with_passkey"
    SIGNED_IN_AT_CONFIRMATION = "signed_in_at_confirmation"  # of a sign-up, in the browser that signed up
    SIGN_IN_REFUSED = "sign_in_refused"  # the reason is in the row, never in the response
    SECOND_FACTOR_ASKED = "second_factor_asked"  # the password was right
    SECOND_FACTOR_REFUSED = "second_factor_refused"
    SESSION_REFRESHED = "session_refreshed"  # the first time in an hour
    STRANGERS_SHUT_OUT = "strangers_shut_out"  # too many wrong passwords in a row
    REFRESH_TOKEN_REUSED = "refresh_token_reused"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    OTHER_SESSIONS_ENDED = "other_sessions_ended"
    SIGN_IN_DISOWNED = "sign_in_disowned"  # "this wasn't me"
    REAUTHENTICATED = "reauthenticated"
    PROOF_REFUSED = "proof_refused"  # a wrong password from a session or with a link
    LINK_REFUSED = "link_refused"  # a one-time token that is used, expired or unknown
    VERIFICATION_REQUESTED = "verification_requested"
    EMAIL_VERIFIED = "email_verified"
    REGISTRATION_REJECTED = "registration_rejected"  # "I did not sign up": the account is erased
    REGISTRATION_REPEATED = "registration_repeated"  # the address of this account was registered again
    PASSWORD_RESET_REQUESTED = "password_reset_requested"
    PASSWORD_RESET = "password_reset"
    PASSWORD_CHANGED = "password_changed"
    TOTP_BEGUN = "totp_begun"
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    RECOVERY_CODES_REPLACED = "recovery_codes_replaced"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_RENAMED = "passkey_renamed"
    PASSKEY_REMOVED = "passkey_removed"
    FACTORS_RESET_STOPPED = "factors_reset_stopped"
    FACTORS_RESET = "factors_reset"  # a day after it was scheduled
    PASSWORD_REMOVED = "password_removed"
    USERNAME_CHANGED = "username_changed"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    API_TOKEN_CREATED = "api_token_created"
    API_TOKEN_REVOKED = "api_token_revoked"  # by its owner or an operator
    APP_ALLOWED = "app_allowed"
    APP_REFUSED = "app_refused"
    APP_SIGNED_IN = "app_signed_in"  # an application got tokens
    APP_REFRESHED = "app_refreshed"  # the first time in an hour
    APP_REMOVED = "app_removed"  # by the owner
    APP_ENDED = "app_ended"  # by the application itself
    APP_TOKEN_REUSED = "app_token_reused"
    APP_CODE_REUSED = "app_code_reused"
    DATA_EXPORTED = "data_exported"
    DELETION_REQUESTED = "deletion_requested"
    ACCOUNT_RESTORED = "account_restored"
    ACCOUNT_ERASED = "account_erased"  # names no person
    MAIL_GIVEN_UP = "mail_given_up"
    # Actions of operators at the command line and of administrators; each names who acted.
    ROLE_DEFINED = "role_defined"
    ROLE_DELETED = "role_deleted"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    ROLES_LISTED = "roles_listed"
    AUDIT_READ = "audit_read"
    ACCOUNTS_LISTED = "accounts_listed"
    ACCOUNTS_IMPORTED = "accounts_imported"  # one for each batch
    ACCOUNTS_EXPORTED = "accounts_exported"
    FOREIGN_HASHES_FORGOTTEN = "foreign_hashes_forgotten"
    ACCOUNT_SHOWN = "account_shown"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_CLOSED = "account_closed"  # to be erased in 14 days
    DELETION_STOPPED = "deletion_stopped"
    EMAIL_CONFIRMED = "email_confirmed"  # without a mailed link; `detail` is the reason
    EMAIL_CHANGE_BEGUN = "email_change_begun"  # the link is mailed to the new address
    ALL_SESSIONS_ENDED = "all_sessions_ended"
    TOKEN_ISSUED = "token_issued"
    RESET_SENT = "reset_sent"
    FACTORS_RESET_BEGUN = "factors_reset_begun"
    LOCKED_OUT = "locked_out"  # an intruder, by an operator
    TOTP_UNBLOCKED = "totp_unblocked"
    SECRETS_RESEALED = "secrets_resealed"
    PRUNED = "pruned"
    CLIENT_CREATED = "client_created"  # an application was registered
    CLIENT_CHANGED = "client_changed"
    CLIENT_DISABLED = "client_disabled"
    CLIENT_REMOVED = "client_removed"
    CLIENT_SECRET_ROTATED = "client_secret_rotated"
    RESOURCE_CHANGED = "resource_changed"  # added, changed or removed
    KEYS_ROTATED = "keys_rotated"  # by an operator or the service
    NOTICE_GIVEN_UP = "notice_given_up"  # of a logout, to an application
    DATABASE_COPIED = "database_copied"


class Refusal(StrEnum):
    """Reasons why a login or a link was refused, for operators."""

    UNKNOWN = "unknown"
    WRONG_PASSWORD = "wrong_password"
    NO_PASSWORD = "no_password"
    DISABLED = "disabled"
    LEAVING = "leaving"  # the account is to be erased
    PASSWORD_BLOCKED = "password_blocked"  # until a reset
    EMAIL_NOT_VERIFIED = "email_not_verified"
    CHANGED_MEANWHILE = "changed_meanwhile"
    TOO_MANY_FAILURES = "too_many_failures"  # in a row, from unknown devices or from this device
    WRONG_CODE = "wrong_code"  # of an authenticator app, or a recovery code
    SEAL_BROKEN = "seal_broken"  # the key of its secret is gone
    TOTP_BLOCKED = "totp_blocked"
    WRONG_PASSKEY = "wrong_passkey"
    CODE_USED = "code_used"  # a right one, a second time
    CHALLENGE_EXPIRED = "challenge_expired"
    CHALLENGE_USED = "challenge_used"
    LINK_EXPIRED = "link_expired"
    LINK_USED = "link_used"


class Origin(StrEnum):
    """Who created an account; NULL in the database for accounts of release 0.1.0."""

    REGISTERED = "registered"  # by the API
    OPERATOR = "operator"
    IMPORTED = "imported"


class EndReason(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    REPLACED = "replaced"  # by a new login with the same cookie
    TOO_MANY = "too_many"
    REUSE = "reuse"
    GUESSING = "guessing"  # too many wrong passwords from it
    OPERATOR = "operator"
    DISOWNED = "disowned"
    PASSWORD_RESET = "password_reset"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_REMOVED = "password_removed"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    DELETION_REQUESTED = "deletion_requested"
    FACTORS_CHANGED = "factors_changed"
    EXPIRED = "expired"  # by the next prune after its end; it is refused before


class LinkPurpose(StrEnum):
    """The purpose of a one-time token. It is valid for nothing else."""

    VERIFY = "verify"
    RESET = "reset"
    EMAIL_CHANGE = "email_change"
    EMAIL_UNDO = "email_undo"
    RESTORE = "restore"
    DISOWN = "disown"


# Texts for the owner of an account, one per event.
EVENT_TEXTS: dict[Event, str] = {
    Event.ACCOUNT_REGISTERED: "You signed up.",
    Event.ACCOUNT_CREATED: "The account was made by an operator.",
    Event.SIGNED_IN: "You logged in.",
    Event.SIGNED_IN_WITH_CODE: "You logged in with an authenticator code.",
    Event.SIGNED_IN_WITH_RECOVERY_CODE: "You logged in with a recovery code.",
    Event.SIGNED_IN_WITH_PASSKEY: "You logged in with a passkey.",
    Event.SIGNED_IN_AT_CONFIRMATION: "You were logged in, as you confirmed your address where you signed up.",
    Event.SIGN_IN_REFUSED: "A log-in was refused",
    Event.SECOND_FACTOR_ASKED: "The password was right, and the second factor was asked for.",
    Event.SECOND_FACTOR_REFUSED: "A second factor was refused",
    Event.SESSION_REFRESHED: "A session was renewed.",
    Event.STRANGERS_SHUT_OUT: (
        "Too many wrong passwords: new devices cannot log in until a new password is set."
    ),
    Event.REFRESH_TOKEN_REUSED: "A used token of a session was used again, and the session was ended.",
    Event.SIGNED_OUT: "You logged out.",
    Event.SESSION_ENDED: "You ended a session.",
    Event.OTHER_SESSIONS_ENDED: "You ended all other sessions.",
    Event.SIGN_IN_DISOWNED: (
        "A log-in or a change was reported as not yours. "
        "All sessions were ended, and the password was blocked."
    ),
    Event.REAUTHENTICATED: "You confirmed again that it is you.",
    Event.PROOF_REFUSED: "A confirmation by password was refused",
    Event.LINK_REFUSED: "A mailed link was refused",
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
    Refusal.CHALLENGE_USED: "the log-in was over, or something was changed meanwhile",
    Refusal.LINK_EXPIRED: "it had expired",
    Refusal.LINK_USED: "it had been used",
}


def event_text(event: str, reason: str | None, detail: str | None = None) -> str:
    """Return the text of an event for the owner.

    `detail` is the name of a role, a token or an app, or an operator's reason.
    """
    # During a rolling release, a newer process may have written an event that this one does not know.
    sentence = EVENT_TEXTS.get(cast(Event, event), "Something happened").removesuffix(".")
    reason_text = REASON_TEXTS.get(cast(Refusal, reason)) if reason else None
    more = reason_text or detail
    return f"{sentence}: {more}." if more else f"{sentence}."
