"""The words of the audit log, one closed enum. Every action writes exactly one of them."""

from enum import StrEnum


class Event(StrEnum):
    """What happened. A published word never changes its meaning."""

    ACCOUNT_REGISTERED = "account_registered"
    ACCOUNT_CREATED = "account_created"  # by an operator, who is named in the row
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"  # the reason is in the row, never in the answer
    SESSION_REFRESHED = "session_refreshed"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    OTHER_SESSIONS_ENDED = "other_sessions_ended"
    # What an operator does at the command line; each names the operator.
    ACCOUNTS_LISTED = "accounts_listed"
    ACCOUNT_SHOWN = "account_shown"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    ALL_SESSIONS_ENDED = "all_sessions_ended"
    TOKEN_ISSUED = "token_issued"
    PRUNED = "pruned"


class Refusal(StrEnum):
    """Why a sign-in was refused; for the operator who is asked."""

    UNKNOWN = "unknown"
    WRONG_PASSWORD = "wrong_password"
    NO_PASSWORD = "no_password"
    DISABLED = "disabled"
    CHANGED_MEANWHILE = "changed_meanwhile"


class EndReason(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    REPLACED = "replaced"  # by a new sign-in over the same cookie
    TOO_MANY = "too_many"
    REUSE = "reuse"
    OPERATOR = "operator"
