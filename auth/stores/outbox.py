"""The outbox: mails written in the transaction that causes them, each claimed by one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID, uuid4

from sqlalchemy import Table, delete, func, or_, select, update
from sqlalchemy.orm import Session

from auth.stores import users
from auth.stores.pages import AccountPages
from models import OneTimeToken, OutgoingMail

LINK_IS_VOID = "the link is void"  # not counted as a lost mail


class Claimed(NamedTuple):
    """A mail that this deliverer holds a lease on, as plain values."""

    id: int
    message_id: UUID
    template: str
    facts: dict[str, str]
    user_id: int | None
    recipient: str
    token_id: UUID | None
    created_at: datetime
    attempts: int
    to_count: bool
    language: str | None


_COLUMNS = [getattr(OutgoingMail, name) for name in Claimed._fields]
_WAITING = (OutgoingMail.sent_at.is_(None), OutgoingMail.given_up_at.is_(None))
PAGES = AccountPages(cast(Table, OutgoingMail.__table__), "id")


def append(
    tx: Session,
    template: str,
    facts: Mapping[str, str],
    now: datetime,
    *,
    user_id: int,
    recipient: str,
    token: OneTimeToken | None = None,
    to_count: bool = False,
) -> None:
    """Append a mail to this address, to be sent after the commit; with `to_count`, if a ceiling allows it.

    It is in the language of the account. That of the call does not count: strangers make calls, too.
    """
    row = _row(template, facts, now, user_id, recipient, token)
    row.to_count = to_count
    tx.add(row)
    tx.flush()


def append_unsent(tx: Session, template: str, now: datetime, token: OneTimeToken) -> None:
    """Append a row that is never sent. Unknown addresses cost the same rows, so that timing tells nothing."""
    row = _row(template, {}, now, None, "", token)
    row.sent_at = now
    tx.add(row)
    tx.flush()


def _row(
    template: str,
    facts: Mapping[str, str],
    now: datetime,
    user_id: int | None,
    recipient: str,
    token: OneTimeToken | None,
) -> OutgoingMail:
    return OutgoingMail(
        message_id=uuid4(),
        template=template,
        facts=dict(facts),
        user_id=user_id,
        recipient=recipient,
        token_id=token.id if token else None,
        created_at=now,
        due_at=now,
        attempts=0,
        to_count=False,
        language=users.mail_language(user_id),
    )


def written_since(tx: Session, user_id: int, template: str, since: datetime) -> int:
    """Return how many of these mails were written for a user since then, sent or not."""
    mine = (
        OutgoingMail.user_id == user_id,
        OutgoingMail.template == template,
        OutgoingMail.created_at > since,
    )
    return tx.scalar(select(func.count()).select_from(OutgoingMail).where(*mine)) or 0


def claim(tx: Session, now: datetime, until: datetime) -> Claimed | None:
    """Claim the mail that has been due longest until the lease ends; None if none is due."""
    due = (*_WAITING, OutgoingMail.due_at <= now)
    first = select(OutgoingMail.id).where(*due).order_by(OutgoingMail.due_at, OutgoingMail.id).limit(1)
    # On PostgreSQL, concurrent claims get different mails. `due` is repeated for claims that waited.
    first = first.with_for_update(skip_locked=True)
    claimed = tx.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id == first.scalar_subquery(), *due)
        .values(due_at=until, attempts=OutgoingMail.attempts + 1)
        .returning(*_COLUMNS)
    ).one_or_none()
    return Claimed(*claimed) if claimed else None


def settle(tx: Session, mail_id: int, attempt: int, **values: datetime | str | bool | None) -> bool:
    """Record the outcome of this attempt; False if the lease expired and another deliverer tried again."""
    settled = tx.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id == mail_id, OutgoingMail.attempts == attempt, *_WAITING)
        .values(**values)
        .returning(OutgoingMail.id)
    )
    return settled.one_or_none() is not None


def waiting(tx: Session) -> tuple[int, datetime | None]:
    """Return how many mails wait, and since when the oldest does."""
    row = tx.execute(
        select(func.count(), func.min(OutgoingMail.created_at)).select_from(OutgoingMail).where(*_WAITING)
    ).one()
    return row[0], row[1]


def given_up_since(tx: Session, since: datetime) -> int:
    """Return how many mails to accounts were given up since then."""
    lost = (OutgoingMail.given_up_at > since, OutgoingMail.last_error != LINK_IS_VOID)
    return tx.scalar(select(func.count()).select_from(OutgoingMail).where(*lost)) or 0


def of_user(tx: Session, user_id: int, limit: int) -> Sequence[OutgoingMail]:
    """Return a user's newest mails, at most `limit`."""
    mine = select(OutgoingMail).where(OutgoingMail.user_id == user_id)
    return tx.scalars(mine.order_by(OutgoingMail.id.desc()).limit(limit)).all()


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` mails that were sent or given up before this time; return how many."""
    over = or_(OutgoingMail.sent_at < before, OutgoingMail.given_up_at < before)
    some = select(OutgoingMail.id).where(over).limit(slice_size)
    deleted = delete(OutgoingMail).where(OutgoingMail.id.in_(some)).returning(OutgoingMail.id)
    return len(tx.execute(deleted).all())
