"""The audit log: one row for each action, written in the transaction of the change."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Table,
    bindparam,
    case,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from auth.events import Event, Refusal
from auth.stores.pages import AccountPages
from auth.stores.users import shared_lock
from models import AuditEvent
from utils.client_info import ClientInfo
from utils.database.engine import dialect_of, for_each_database

# Built once, and of the table, as every change writes one: a statement built for each call takes longer, and
# its time would tell an unknown name from a member's. An unknown account has no id.
_TABLE = cast(Table, AuditEvent.__table__)
_APPENDED = (
    insert(_TABLE)
    .values(user_id=shared_lock(bindparam("of_user", type_=Integer)))
    .inline()  # its id is not needed
)
_COUNTED = for_each_database(
    lambda insert: (
        insert(_TABLE)
        .values(user_id=shared_lock(bindparam("of_user", type_=Integer)))
        .inline()
        .on_conflict_do_update(index_elements=[_TABLE.c.counted_under], set_={"count": _TABLE.c.count + 1})
    )
)

PAGES = AccountPages(_TABLE, "id")


def append(
    tx: Session,
    event: Event,
    now: datetime,
    client: ClientInfo,
    *,
    user_id: int | None = None,
    session_id: UUID | None = None,
    reason: Refusal | None = None,
    operator: str | None = None,
    actor_id: int | None = None,
    count: int = 1,
    detail: str | None = None,
) -> None:
    """Append an audit event. An account that was erased meanwhile is not named.

    `operator` or `actor_id` is who acted on the account, if it was not its owner; `detail` is the name of a
    role, an API token or an app, the id of a client, or what an operator's command did or was for.
    """
    about = {"event": event, "session_id": session_id, "reason": reason, "detail": detail}
    who = {"of_user": user_id, "operator": operator, "actor_id": actor_id}
    tx.execute(_APPENDED, {"count": count} | about | who | _facts(now, client))


def appended_with(event: Event, condition: ColumnElement[bool], named: Mapping[str, str]) -> CTE:
    """Return an INSERT of an event of an account, if this holds, as a part of a larger statement.

    Its values are those of `values_with`. `named` has the names of those that the larger statement has, too.
    """
    names = ("user_id", "session_id", "detail", "at", "ip_address", "user_agent", "request_id")
    values = {name: bindparam(named.get(name, f"event_{name}"), type_=_TABLE.c[name].type) for name in names}
    user_id, *columns = values.values()
    fixed = [literal(str(event), _TABLE.c.event.type), literal(1, _TABLE.c.count.type)]
    row = select(shared_lock(user_id), *columns, *fixed).where(condition)
    return insert(_TABLE).from_select([*names, "event", "count"], row).returning(_TABLE.c.id).cte("event")


def values_with(
    now: datetime, client: ClientInfo, *, user_id: int, session_id: UUID, detail: str
) -> dict[str, object]:
    """Return the values of `appended_with`."""
    values = {"user_id": user_id, "session_id": session_id, "detail": detail} | _facts(now, client)
    return {f"event_{name}": value for name, value in values.items()}


def count_unknown(tx: Session, event: Event, digest: str | None, now: datetime, client: ClientInfo) -> None:
    """Count an event for an unknown account: one row for each network and minute.

    People type passwords into the name field, so only the keyed digest of the first one is stored.
    """
    under = f"{event}:{client.network}:{now:%Y-%m-%dT%H:%M}"
    about = {"of_user": None, "reason": Refusal.UNKNOWN, "subject_digest": digest, "counted_under": under}
    _count(tx, event, now, client, about)


def count_refused(
    tx: Session, event: Event, reason: Refusal, user_id: int, now: datetime, client: ClientInfo
) -> None:
    """Count a refusal of this account: one row for each reason, network and hour."""
    under = f"{event}:{reason}:{user_id}:{client.subjects[-1].key}:{now:%Y-%m-%dT%H}"
    about = {"of_user": user_id, "reason": reason, "subject_digest": None, "counted_under": under}
    _count(tx, event, now, client, about)


def count_requested(tx: Session, event: Event, user_id: int, now: datetime, client: ClientInfo) -> None:
    """Count an event of this account that strangers can cause: one row for each network and hour.

    The network is the widest one that a subscriber may have the whole of. Otherwise the owner of an IPv6 /48
    could write a row from each of its networks.
    """
    under = f"{event}:{user_id}:{client.subjects[-1].key}:{now:%Y-%m-%dT%H}"
    about = {"of_user": user_id, "reason": None, "subject_digest": None, "counted_under": under}
    _count(tx, event, now, client, about)


def count_refused_app(
    tx: Session,
    now: datetime,
    client: ClientInfo,
    *,
    user_id: int,
    session_id: UUID | None,
    app_id: str,
    name: str,
) -> None:
    """Count an app that the owner did not allow: one row for each app and hour."""
    under = f"{Event.APP_REFUSED}:{user_id}:{app_id}:{now:%Y-%m-%dT%H}"
    about = {"of_user": user_id, "session_id": session_id, "detail": name, "counted_under": under}
    _count(tx, Event.APP_REFUSED, now, client, about)


def _count(tx: Session, event: Event, now: datetime, client: ClientInfo, about: Mapping[str, object]) -> None:
    values = {"event": event, "count": 1, **about, **_facts(now, client)}
    tx.execute(_COUNTED[dialect_of(tx)], values)


def page(tx: Session, user_id: int, before: int | None, limit: int) -> Sequence[AuditEvent]:
    """Return events of an account, the newest first; with `before`, those older than the event of that id."""
    mine = select(AuditEvent).where(AuditEvent.user_id == user_id).order_by(AuditEvent.id.desc())
    if before is not None:
        mine = mine.where(AuditEvent.id < before)
    return tx.scalars(mine.limit(limit)).all()


def after(tx: Session, last: int, limit: int, but: Collection[int] = ()) -> Sequence[AuditEvent]:
    """Return events of all accounts with a higher id than `last`, the oldest first, but for those ids."""
    found = select(AuditEvent).where(AuditEvent.id > last).order_by(AuditEvent.id)
    if but:
        found = found.where(AuditEvent.id.not_in(but))
    return tx.scalars(found.limit(limit)).all()


def forget_person(tx: Session, user_id: int) -> None:
    """Remove the personal data from an account's events. The events stay.

    Those of its acts on other accounts keep its id (`actor_id`), which belongs to no person from then on.
    """
    may_name_person = AuditEvent.event.in_(
        (Event.API_TOKEN_CREATED, Event.API_TOKEN_REVOKED, Event.EMAIL_CONFIRMED)
    )
    detail = case((may_name_person, None), else_=AuditEvent.detail)
    tx.execute(
        update(AuditEvent)
        .where(AuditEvent.user_id == user_id)
        .values(
            ip_address=None,
            user_agent="",
            session_id=None,
            request_id="",
            counted_under=None,
            detail=detail,
        )
    )
    acts = update(AuditEvent).where(AuditEvent.actor_id == user_id)
    tx.execute(acts.values(ip_address=None, user_agent="", request_id=""))


def prune(tx: Session, before: datetime, slice_size: int) -> int:
    """Delete at most `slice_size` events from before this time; return how many."""
    some = select(AuditEvent.id).where(AuditEvent.at < before).limit(slice_size)
    deleted = delete(AuditEvent).where(AuditEvent.id.in_(some)).returning(AuditEvent.id)
    return len(tx.execute(deleted).all())


def _facts(now: datetime, client: ClientInfo) -> dict[str, object]:
    return {
        "at": now,
        "ip_address": client.address,
        "user_agent": client.user_agent,
        "request_id": client.request_id,
    }
