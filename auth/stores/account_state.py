"""The table of `auth.account_state` as SQL."""

from sqlalchemy import ColumnElement, Table

from auth.account_state import COLUMNS, REFUSED_IN, Use
from models import User


def clause(use: Use, *, table: Table | type[User] = User) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which an account may be used in this way."""
    columns = table.c if isinstance(table, Table) else table
    return tuple(getattr(columns, COLUMNS[state]).is_(None) for state in REFUSED_IN[use])
