"""The table of `auth.account_state` as SQL."""

from sqlalchemy import ColumnElement, Table

from auth.account_state import COLUMNS, REFUSED_IN, SHOWN_AS, AccountState, Use
from models import User


def clause(use: Use, *, table: Table | type[User] = User) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which an account may be used in this way."""
    columns = table.c if isinstance(table, Table) else table
    return tuple(getattr(columns, COLUMNS[state]).is_(None) for state in REFUSED_IN[use])


def in_state(state: AccountState) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which an account is in this state."""
    if state is AccountState.UNCONFIRMED:
        return (User.email_verified_at.is_(None),)
    if state is AccountState.OPEN:
        none_set = (getattr(User, COLUMNS[refused]).is_(None) for refused in SHOWN_AS.values())
        return (User.email != "", *none_set)  # without an address it only holds its name
    return (getattr(User, COLUMNS[SHOWN_AS[state]]).is_not(None),)
