"""Pages of the rows of an account, newest first, by keyset: a page is one statement and skips no rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Table, bindparam, select, tuple_
from sqlalchemy.orm import Session


class AccountPages:
    """The rows of an account in one table. The statements are built once.

    `newest` are the columns that order the rows, unique together.
    """

    def __init__(self, table: Table, *newest: str) -> None:
        columns = [table.c[name] for name in newest]
        mine = select(table).where(table.c.user_id == bindparam("of_user")).limit(bindparam("size"))
        last = [bindparam(f"last_{name}", type_=table.c[name].type) for name in newest]
        self._newest = newest
        self._first = mine.order_by(*(column.desc() for column in columns))
        self._next = self._first.where(tuple_(*columns) < tuple_(*last))

    def page(self, tx: Session, user_id: int, last: Row[Any] | None, size: int) -> Sequence[Row[Any]]:
        """Return at most `size` rows, the newest first; with `last`, those that follow this row."""
        values = {"of_user": user_id, "size": size}
        if last is None:
            return tx.execute(self._first, values).all()
        after = {f"last_{name}": getattr(last, name) for name in self._newest}
        return tx.execute(self._next, values | after).all()
