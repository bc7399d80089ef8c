"""The table of uses of an account, and the states that refuse them.

`refusal` answers for an account that was read. `auth.stores.account_state.clause` is the same answer as
SQL, so that one statement can decide and change. Reading, setting and clearing a state is no decision and
stands where it happens.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto

from auth.events import Refusal
from models import Account

# The column that is set while the account is in this state.
COLUMNS: Mapping[Refusal, str] = {
    Refusal.DISABLED: "disabled_at",
    Refusal.LEAVING: "deletion_due_at",
    Refusal.PASSWORD_BLOCKED: "password_blocked_at",
}
_DISABLED, _CLOSED = (Refusal.DISABLED,), (Refusal.DISABLED, Refusal.LEAVING)
_LOCKED = (*_CLOSED, Refusal.PASSWORD_BLOCKED)


class Use(Enum):
    """Uses of an account."""

    LOG_IN = auto()  # by password or passkey
    COMPLETE_LOGIN = auto()  # with the second factor
    REFRESH = auto()
    CALL_WITH_SESSION = auto()
    CALL_WITHOUT_SESSION = auto()
    CALL_WITH_API_TOKEN = auto()
    CALL_WITH_APP = auto()  # by an application that the account is logged in to: its codes and tokens
    PROVE_PASSWORD = auto()  # by a caller who is logged in, or holds a link
    RESET_PASSWORD = auto()
    RESEND_CONFIRMATION = auto()
    WARN_OF_BRUTE_FORCE = auto()
    APPLY_FACTOR_RESET = auto()
    ISSUE_TOKEN = auto()  # by an operator, like the four below
    BEGIN_FACTOR_RESET = auto()
    LOCK_OUT = auto()
    CONFIRM_ADDRESS = auto()
    CHANGE_ADDRESS = auto()
    ADMINISTER = auto()  # with the role `admin`


class AccountState(StrEnum):
    """States by which operators list accounts. `auth.stores.account_state.in_state` is each as SQL."""

    OPEN = "open"  # none of the next three, and with an address
    DISABLED = "disabled"
    CLOSED = "closed"  # to be erased
    BLOCKED = "blocked"  # its password, until a reset
    UNCONFIRMED = "unconfirmed"  # its address; beside any other


SHOWN_AS: Mapping[AccountState, Refusal] = {
    AccountState.DISABLED: Refusal.DISABLED,
    AccountState.CLOSED: Refusal.LEAVING,
    AccountState.BLOCKED: Refusal.PASSWORD_BLOCKED,
}


def states_of(account: Account) -> list[AccountState]:
    """Return the states by which an account is listed."""
    found = [state for state, refused in SHOWN_AS.items() if getattr(account, COLUMNS[refused]) is not None]
    if not found and account.email:  # without an address it only holds its name
        found = [AccountState.OPEN]
    return found + [AccountState.UNCONFIRMED] * (account.email_verified_at is None)


REFUSED_IN: Mapping[Use, tuple[Refusal, ...]] = {
    Use.LOG_IN: _LOCKED,
    Use.COMPLETE_LOGIN: _LOCKED,
    # Closing an account and blocking its password end its sessions: the row of the session decides.
    Use.REFRESH: _DISABLED,
    Use.CALL_WITH_SESSION: _DISABLED,
    Use.CALL_WITHOUT_SESSION: _CLOSED,
    Use.CALL_WITH_API_TOKEN: _LOCKED,
    Use.CALL_WITH_APP: _LOCKED,
    Use.PROVE_PASSWORD: (Refusal.PASSWORD_BLOCKED,),  # its session, or its link, says the rest
    Use.RESET_PASSWORD: _DISABLED,  # an account to be erased is mailed the link that restores it
    Use.RESEND_CONFIRMATION: _CLOSED,
    Use.WARN_OF_BRUTE_FORCE: _CLOSED,
    Use.APPLY_FACTOR_RESET: _LOCKED,  # while locked, no login can cancel it
    Use.ISSUE_TOKEN: _CLOSED,
    Use.BEGIN_FACTOR_RESET: _CLOSED,
    Use.LOCK_OUT: _DISABLED,
    Use.CONFIRM_ADDRESS: _CLOSED,
    Use.CHANGE_ADDRESS: _LOCKED,  # the link asks for the password
    Use.ADMINISTER: _CLOSED,
}


def refusal(account: Account, use: Use, *, confirmed_only: bool = False) -> Refusal | None:
    """Return the state that refuses this use, or None if the account may be used.

    With `confirmed_only` (`REQUIRE_VERIFIED_EMAIL`) an unconfirmed address refuses it as well, last.
    """
    for state in REFUSED_IN[use]:
        if getattr(account, COLUMNS[state]) is not None:
            return state
    if confirmed_only and account.email_verified_at is None:
        return Refusal.EMAIL_NOT_VERIFIED
    return None
