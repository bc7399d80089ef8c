"""Data export: everything stored about an account, read in pages.

An export is bounded: `AT_ONCE` in a process, one for each account by a lease with an end, `PAGE` rows in
memory, and `MAX_BYTES`, `WRITE_SECONDS` and `SEND_SECONDS` for the whole of it. No connection is held while
a client reads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from auth.errors import ExportRunning
from auth.events import Event
from auth.sessions import step_up
from auth.stores import (
    api_tokens,
    audit,
    challenges,
    freed_usernames,
    known_devices,
    leases,
    one_time_tokens,
    outbox,
    passkeys,
    recovery_codes,
    roles,
    sessions,
    totp,
    users,
)
from auth.stores.pages import AccountPages
from utils.client_info import ClientInfo
from utils.errors import TokenInvalid
from utils.services import Principal, Services

AT_ONCE = 2  # exports of a process that are written or sent
PAGE = 500  # rows of a statement
MAX_BYTES = 64 * 1024 * 1024
WRITE_SECONDS = 12  # proxies wait 20 for the first byte, which may need one more statement of 6 seconds
SEND_SECONDS = 60
# A lease that is not given back, as its process was killed, ends after an export would have.
LEASE = timedelta(seconds=WRITE_SECONDS + SEND_SECONDS + 10)
# `(tx, user_id, last, size)`: at most `size` rows of the account, those after the row `last` if it is given.
PageOf = Callable[[Session, int, Any, int], Sequence[Any]]
# Tables that grow with use. The others hold at most a few dozen rows of an account.
_PAGED: Mapping[str, AccountPages] = {
    "sessions": sessions.PAGES,
    "api_tokens": api_tokens.PAGES,
    "challenges": challenges.PAGES,
    "links": one_time_tokens.PAGES,
    "mails": outbox.PAGES,
}


class Section(NamedTuple):
    """A section that another package adds: the rows of an account in pages, and what is told of each."""

    name: str
    page: PageOf
    fields: Callable[[Any], dict[str, Any]]


class Export(NamedTuple):
    """A running export: its account, and the lease that keeps others of the account from running."""

    user_id: int
    claimed_at: datetime

    @property
    def lease(self) -> str:
        return f"export-{self.user_id}"


def start(services: Services, principal: Principal, client: ClientInfo) -> Export:
    """Start an export of the caller's data, which `end` must end.

    Raises `ReauthRequired` without a fresh login, and `ExportRunning`.
    """
    current = step_up.fresh_session(services, principal)
    export = Export(principal.user_id, services.clock.now())
    if not services.exports.acquire(blocking=False):
        raise ExportRunning(SEND_SECONDS)
    try:
        _claim(services, export, current, client)
    except BaseException:
        services.exports.release()
        raise
    return export


def _claim(services: Services, export: Export, session_id: UUID, client: ClientInfo) -> None:
    tx, now = services.tx(), export.claimed_at
    if not leases.claim(tx, export.lease, now, now + LEASE):
        tx.rollback()
        raise ExportRunning(SEND_SECONDS)
    audit.append(tx, Event.DATA_EXPORTED, now, client, user_id=export.user_id, session_id=session_id)
    tx.commit()


def end(services: Services, export: Export) -> None:
    """End an export. Without a database its lease ends by itself."""
    services.exports.release()
    with suppress(SQLAlchemyError):
        leases.release(services.tx(), export.lease, export.claimed_at)
        services.tx().commit()


def sections(services: Services, export: Export) -> Iterator[tuple[str, Iterable[Any]]]:
    """Yield the name and the rows of each section, to be read in this order. No transaction stays open.

    Raises `TokenInvalid` if the account was erased a moment ago.
    """
    tx, user_id = services.tx(), export.user_id
    user = users.row_by_id(tx, user_id)
    if user is None:
        raise TokenInvalid
    yield "user", [user]
    yield "devices", known_devices.of_user(tx, user_id)
    yield "authenticators", [factor] if (factor := totp.of_user(tx, user_id)) else []
    yield "recovery_codes", recovery_codes.of_user(tx, user_id)
    yield "passkeys", passkeys.of_user(tx, user_id)
    yield "roles", roles.grants_of(tx, user_id)
    yield "freed_usernames", freed_usernames.of_user(tx, user_id)
    tx.rollback()
    for name, pages in _PAGED.items():
        yield name, _rows(services, pages.page, user_id)
    for section in services.upkeep.sections():
        yield section.name, map(section.fields, _rows(services, section.page, user_id))
    yield "events", _rows(services, audit.PAGES.page, user_id)  # the last one: it may be cut


def _rows(services: Services, page_of: PageOf, user_id: int) -> Iterator[Any]:
    """Yield the rows of all pages. Each page is a transaction of its own."""
    tx, last = services.tx(), None
    while page := page_of(tx, user_id, last, PAGE):
        tx.rollback()
        yield from page
        last = page[-1]
        if len(page) < PAGE:
            break
    tx.rollback()
