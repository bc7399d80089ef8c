"""Stored values: audit events, refusal reasons, end reasons of sessions, and purposes of one-time tokens."""

from enum import StrEnum


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
