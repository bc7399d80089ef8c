"""Accounts: reading them, and the single statements that create and change them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    bindparam,
    delete,
    event,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.account_state import AccountState, Use
from auth.events import Origin
from auth.stores.account_state import clause, in_state
from models import Account, User
from utils.clock import SystemClock
from utils.database.engine import insert_into
from utils.identifiers import email_key, username_key

COLUMNS = [getattr(User, name) for name in Account._fields]

# Built once: building a statement costs more than running it.
_BY_ID = select(*COLUMNS).where(User.id == bindparam("id"))
_BY_USERNAME = select(*COLUMNS).where(User.username_key == bindparam("key"))
_BY_EMAIL = select(*COLUMNS).where(User.email_key == bindparam("key"))


def by_id(tx: Session, user_id: int) -> Account | None:
    return _one(tx, _BY_ID, id=user_id)


def row_by_id(tx: Session, user_id: int) -> User | None:
    """Return the whole row of an account."""
    return tx.get(User, user_id, populate_existing=True)


def by_username(tx: Session, username: str) -> Account | None:
    return _one(tx, _BY_USERNAME, key=username_key(username))


def by_email(tx: Session, email: str) -> Account | None:
    return _one(tx, _BY_EMAIL, key=email_key(email))


def by_login(tx: Session, login: str) -> Account | None:
    """Return the account of this user name or address. A name never holds an `@`."""
    return by_email(tx, login) if "@" in login else by_username(tx, login)


def login_key(login: str) -> str:
    """Return the canonical form of a name or address, known or not."""
    return (email_key(login) if "@" in login else username_key(login)) or login


def add(
    tx: Session,
    *,
    username: str,
    email: str | None,
    password_hash: str | None,
    now: datetime,
    terms_version: str | None = None,
    origin: Origin | None = None,
    signup_locale: str | None = None,
) -> Account | None:
    """Return the new account, or None if the name or the address was taken, even a moment ago.

    One statement: the unique keys decide, and a refusal leaves the transaction usable. Without an address the
    account only reserves its name: no key of an address lacks an `@`.
    """
    added = tx.execute(
        insert_into(tx, User)
        .values(
            username=username,
            username_key=username_key(username),
            email=email or "",
            email_key=email_key(email) if email else uuid4().hex,
            password_hash=password_hash,
            password_changed_at=now,
            created_at=now,
            origin=origin,
            tokens_valid_after=now,
            terms_accepted_at=now if terms_version else None,
            terms_version=terms_version,
            signup_locale=signup_locale,
        )
        .on_conflict_do_nothing()
        .returning(*COLUMNS)
    ).one_or_none()
    return Account(*added) if added else None


def lock(tx: Session, user_id: int) -> bool:
    """Lock the account until the end of the transaction; False if it does not exist.

    Every transaction locks the account before its links, and those before its sessions, so that no two
    deadlock.
    """
    return _changed(tx, User.id == user_id, password_hash=User.password_hash)


def lock_shared(tx: Session, user_id: int) -> bool:
    """Lock the account against erasure until the end of the transaction; False if it does not exist."""
    return tx.execute(select(shared_lock(user_id))).scalar() is not None


def shared_lock(user_id: int | BindParameter[int] | None) -> ScalarSelect[int]:
    """Return the account's id, locked against erasure, or NULL if it does not exist.

    A row that refers to an account in this way waits for a concurrent erasure, and does not fail by it.
    """
    there = select(User.id).where(User.id == user_id)
    return there.with_for_update(read=True, key_share=True).scalar_subquery()


def lock_if_unchanged(tx: Session, account: Account, *, new_hash: str | None = None) -> bool:
    """Lock the account until the commit; return whether it is as it was when its password was checked.

    False if a password, an address or a second factor changed, or the account was disabled, blocked or
    scheduled for erasure, while the hash was computed. `new_hash` replaces a hash of outdated cost.
    """
    same = (
        User.password_hash.is_not_distinct_from(account.password_hash),
        User.email == account.email,
        User.two_factor_at.is_not_distinct_from(account.two_factor_at),
        *clause(Use.LOG_IN),
    )
    return _changed(tx, User.id == account.id, *same, password_hash=new_hash or account.password_hash)


def page(
    tx: Session, *, after: int, limit: int, search: str = "", state: AccountState | None = None
) -> list[Account]:
    """Return accounts by rising id, above `after`.

    With `search`, those whose name or address contains it; with `state`, those in this state.
    """
    wanted = select(*COLUMNS).where(User.id > after).order_by(User.id).limit(limit)
    if state:
        wanted = wanted.where(*in_state(state))
    if search:
        holds = (
            User.username_key.contains(search.lower(), autoescape=True),
            User.email_key.contains(search.lower(), autoescape=True),
        )
        wanted = wanted.where(or_(*holds))
    return [Account(*row) for row in tx.execute(wanted)]


def disable(tx: Session, user_id: int, now: datetime) -> bool:
    """Disable the account and void its tokens; False if it is disabled already."""
    return _changed(
        tx, User.id == user_id, User.disabled_at.is_(None), disabled_at=now, tokens_valid_after=now
    )


def enable(tx: Session, user_id: int) -> bool:
    """Enable a disabled account; False if it is enabled. Its old tokens stay void."""
    return _changed(tx, User.id == user_id, User.disabled_at.is_not(None), disabled_at=None)


def void_tokens(tx: Session, user_id: int | None, now: datetime) -> None:
    """Void all tokens without a session issued before now: of one account, or of all."""
    _changed(tx, *([User.id == user_id] if user_id is not None else []), tokens_valid_after=now)


def confirm_email(tx: Session, user_id: int, now: datetime) -> bool:
    """Confirm the address; False if it is confirmed already."""
    return _changed(tx, User.id == user_id, User.email_verified_at.is_(None), email_verified_at=now)


def set_password(tx: Session, user_id: int, password_hash: str, now: datetime) -> None:
    """Set a new password, unblock it, and void old tokens."""
    _changed(
        tx,
        User.id == user_id,
        password_hash=password_hash,
        password_changed_at=now,
        password_blocked_at=None,
        tokens_valid_after=now,
        failures=0,  # they were for the old password
    )


def remove_password(tx: Session, user_id: int, now: datetime) -> None:
    """Remove the password and void old tokens."""
    _changed(
        tx,
        User.id == user_id,
        password_hash=None,
        password_changed_at=now,
        tokens_valid_after=now,
        failures=0,
    )


def count_failure(tx: Session, user_id: int) -> int | None:
    """Count a wrong password from an unknown device; return how many there are in a row."""
    counted = update(User).where(User.id == user_id).values(failures=User.failures + 1)
    return tx.execute(counted.returning(User.failures)).scalar_one_or_none()


def reset_failures(tx: Session, user_id: int, limit: int) -> bool:
    """Reset the failures of unknown devices if there are fewer than `limit`; False if not."""
    return _changed(tx, User.id == user_id, User.failures < limit, failures=0)


def block_password(tx: Session, user_id: int, now: datetime) -> None:
    """Block the password until a reset."""
    _changed(tx, User.id == user_id, password_blocked_at=now, tokens_valid_after=now)


def rename(tx: Session, user_id: int, username: str) -> bool:
    """Change the user name; False if it is taken, even since a moment ago. The transaction stays usable.

    The account is locked: without a change before it, SQLite would commit the savepoint.
    """
    return _unless_taken(tx, user_id, username=username, username_key=username_key(username))


def change_email(tx: Session, user_id: int, email: str, now: datetime) -> bool:
    """Change the address to one that its owner has proven; False as in `rename`."""
    return _unless_taken(tx, user_id, email=email, email_key=email_key(email), email_verified_at=now)


def choose_language(tx: Session, user_id: int, locale: str | None) -> bool:
    """Set the language of the account; None for that of the browser. False if the account does not exist."""
    return _changed(tx, User.id == user_id, locale=locale)


def mail_language(user_id: int | None) -> ScalarSelect[str | None]:
    """Return the language of mails to an account: the chosen one, else that of its sign-up, else NULL."""
    found = func.coalesce(User.locale, User.signup_locale)
    return select(found).where(User.id == (user_id or 0)).scalar_subquery()


def language_of_mails(tx: Session, user_id: int) -> str | None:
    """Return the value of `mail_language`."""
    return tx.execute(select(mail_language(user_id))).scalar()


def _unless_taken(tx: Session, user_id: int, **values: str | datetime | None) -> bool:
    try:
        with tx.begin_nested():
            return _changed(tx, User.id == user_id, **values)
    except IntegrityError:  # the unique key decided
        return False


def schedule_deletion(tx: Session, user_id: int, due: datetime) -> bool:
    """Schedule the erasure of the account; False if it is scheduled already."""
    return _changed(tx, User.id == user_id, User.deletion_due_at.is_(None), deletion_due_at=due)


def call_off_deletion(tx: Session, user_id: int) -> bool:
    """Cancel the erasure; False if none is scheduled."""
    return _changed(tx, User.id == user_id, User.deletion_due_at.is_not(None), deletion_due_at=None)


def erase(tx: Session, user_id: int) -> None:
    """Delete the account's row, and with it its sessions, links, mails and devices."""
    tx.execute(delete(User).where(User.id == user_id))


def _changed(tx: Session, *where: ColumnElement[bool], **values: Any) -> bool:
    statement = update(User).where(*where).values(**values).returning(User.id)
    return bool(tx.execute(statement).all())


def _one(tx: Session, statement: Any, **parameters: Any) -> Account | None:
    if None in parameters.values():
        return None
    row = tx.execute(statement, parameters).one_or_none()
    return Account(*row) if row else None


@event.listens_for(User, "before_insert")
def complete(_mapper: Any, _connection: Any, user: User) -> None:
    """Fill in what follows from the rest, for accounts that are added as objects."""
    user.username_key = username_key(user.username) or user.username
    user.email_key = email_key(user.email) or user.email.lower()
    user.created_at = user.created_at or SystemClock().now()
    user.tokens_valid_after = user.tokens_valid_after or user.created_at
