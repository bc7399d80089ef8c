"""Accounts: reading them, and the single statements that create and change them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, event, or_, select, update
from sqlalchemy.orm import Session

from models import Account, User
from utils.clock import SystemClock
from utils.database import insert_into
from utils.identifiers import email_key, username_key

COLUMNS = [getattr(User, name) for name in Account._fields]

# Built once: building a statement costs more than running it.
_BY_ID = select(*COLUMNS).where(User.id == bindparam("id"))
_BY_USERNAME = select(*COLUMNS).where(User.username_key == bindparam("key"))
_BY_EMAIL = select(*COLUMNS).where(User.email_key == bindparam("key"))


def by_id(session: Session, user_id: int) -> Account | None:
    return _one(session, _BY_ID, id=user_id)


def by_username(session: Session, username: str) -> Account | None:
    return _one(session, _BY_USERNAME, key=username_key(username))


def by_email(session: Session, email: str) -> Account | None:
    return _one(session, _BY_EMAIL, key=email_key(email))


def by_login(session: Session, login: str) -> Account | None:
    """The account of this user name or address. A name never holds an `@`, so it is one or the other."""
    return by_email(session, login) if "@" in login else by_username(session, login)


def login_key(login: str) -> str:
    """What every spelling of this name or address shares, whether or not it is somebody's."""
    return (email_key(login) if "@" in login else username_key(login)) or login


def add(session: Session, *, username: str, email: str, password_hash: str, now: datetime) -> Account | None:
    """The new account, or None if the name or the address was taken, even a moment ago.

    One statement: the unique keys decide, and a refusal leaves the transaction usable.
    """
    added = session.execute(
        insert_into(session, User)
        .values(
            username=username,
            username_key=username_key(username),
            email=email,
            email_key=email_key(email),
            password_hash=password_hash,
            password_changed_at=now,
            created_at=now,
            tokens_valid_after=now,
        )
        .on_conflict_do_nothing()
        .returning(*COLUMNS)
    ).one_or_none()
    return Account(*added) if added else None


def lock(session: Session, user_id: int) -> None:
    """Let nobody else sign in to this account or end its sessions until this transaction is over."""
    unchanged = update(User).where(User.id == user_id).values(password_hash=User.password_hash)
    session.execute(unchanged.execution_options(synchronize_session=False))


def admit_sign_in(session: Session, account: Account, new_hash: str | None) -> bool:
    """Whether the account still is as it was when its password was checked; locks it until the commit.

    A password changed, or an account disabled, while the hash was computed makes this False.
    `new_hash` replaces a hash of outdated cost.
    """
    admitted = session.execute(
        update(User)
        .where(
            User.id == account.id,
            User.disabled_at.is_(None),
            User.password_hash == account.password_hash,
        )
        .values(password_hash=new_hash or account.password_hash)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    return admitted.one_or_none() is not None


def page(session: Session, *, after: int, limit: int, search: str = "") -> list[Account]:
    """Accounts by rising id, above `after`; with `search`, those whose name or address holds it."""
    wanted = select(*COLUMNS).where(User.id > after).order_by(User.id).limit(limit)
    if search:
        holds = (
            User.username_key.contains(search.lower(), autoescape=True),
            User.email_key.contains(search.lower(), autoescape=True),
        )
        wanted = wanted.where(or_(*holds))
    return [Account(*row) for row in session.execute(wanted)]


def disable(session: Session, user_id: int, now: datetime) -> bool:
    """Close the account and void its tokens; False if it is closed already."""
    return _changed(
        session, User.id == user_id, User.disabled_at.is_(None), disabled_at=now, tokens_valid_after=now
    )


def enable(session: Session, user_id: int) -> bool:
    """Open a disabled account again; False if it is open already. Its old tokens stay void."""
    return _changed(session, User.id == user_id, User.disabled_at.is_not(None), disabled_at=None)


def void_tokens(session: Session, user_id: int | None, now: datetime) -> None:
    """Refuse all tokens without a session that were issued before now: of one account, or of all."""
    _changed(session, *([User.id == user_id] if user_id is not None else []), tokens_valid_after=now)


def _changed(session: Session, *where: ColumnElement[bool], **values: datetime | None) -> bool:
    statement = update(User).where(*where).values(**values).returning(User.id)
    return bool(session.execute(statement.execution_options(synchronize_session=False)).all())


def _one(session: Session, statement: Any, **parameters: Any) -> Account | None:
    if None in parameters.values():
        return None
    row = session.execute(statement, parameters).one_or_none()
    return Account(*row) if row else None


@event.listens_for(User, "before_insert")
def complete(_mapper: Any, _connection: Any, user: User) -> None:
    """Fill in what follows from the rest, for accounts that are added as objects."""
    user.username_key = username_key(user.username) or user.username
    user.email_key = email_key(user.email) or user.email.lower()
    user.created_at = user.created_at or SystemClock().now()
    user.tokens_valid_after = user.tokens_valid_after or user.created_at
