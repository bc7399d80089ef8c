"""Grants: one row for each authorization, and the statements that start, read, rotate and end it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    bindparam,
    case,
    exists,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.orm import Session

from auth.stores import roles
from auth.stores.users import COLUMNS
from models import Account, RolePermission, User, UserRole, UserSession
from oauth.stores import clients
from oauth.stores.clients import Calling
from oauth.stores.row_locks import lock_grants
from tables.oauth import OAuthClient, OAuthGrant, OAuthResource
from utils.client_info import ClientInfo
from utils.database.reads import Reads

MAX_LIVING = 20  # grants of one account and client: a login in each of its browsers and devices


class GrantEnd(StrEnum):
    """Why a grant ended."""

    TOKEN_REUSED = "token_reused"
    CODE_REUSED = "code_reused"
    REVOKED = "revoked"  # by its client
    REMOVED = "removed"  # by the owner of the account
    SESSION_ENDED = "session_ended"
    ACCOUNT_REVOKED = "account_revoked"  # a reset, "this wasn't me", an account that was disabled or closed
    PASSWORD_CHANGED = "password_changed"
    TOO_MANY = "too_many"  # the least recently used of an account and client, beyond `MAX_LIVING`
    ALL_REVOKED = "all_revoked"  # by an operator, for all accounts
    CLIENT_REMOVED = "client_removed"
    CLIENT_DISABLED = "client_disabled"
    CLIENT_NARROWED = "client_narrowed"  # an operator took away a scope or a resource that it covers
    RESOURCE_REMOVED = "resource_removed"
    RESOURCE_NARROWED = "resource_narrowed"  # an operator took away a scope of its resource that it covers


class Grant(NamedTuple):
    """A snapshot of a grant: what its tokens depend on. Columns of `oauth_grants`."""

    id: UUID
    user_id: int
    client_id: str
    session_id: UUID
    sid: str
    secret: bytes
    generation: int
    rotated_at: datetime | None
    scopes: list[str]
    resource: str | None
    offline: bool
    auth_time: datetime
    amr: str
    idle_end: datetime
    absolute_end: datetime
    ended_at: datetime | None


class Found(NamedTuple):
    """A grant, ended or not, with all that decides whether it may be used now."""

    grant: Grant
    client_disabled_at: datetime | None
    takes_unverified: bool
    holds_permission: bool  # the one that the client requires, or it requires none
    session_end: datetime | None  # of the session it was given in; None if that ended or is gone
    roles: tuple[str, ...]  # of the application; read only if asked for
    account: Account


# The queries of token calls: built once and on tables, as for sessions.
_TABLE, _USER_TABLE = cast(Table, OAuthGrant.__table__), cast(Table, User.__table__)
_GRANTS, _USERS = _TABLE.c, _USER_TABLE.c
_CLIENTS, _SESSIONS = cast(Table, OAuthClient.__table__).c, cast(Table, UserSession.__table__).c
_RESOURCES = cast(Table, OAuthResource.__table__).c
_STATE = [_GRANTS[name] for name in Grant._fields]
_ACCOUNT = [_USERS[column.key] for column in COLUMNS]
HOLDS_PERMISSION = case(
    (_CLIENTS.required_permission.is_(None), True),
    else_=exists().where(
        UserRole.user_id == _USERS.id,
        RolePermission.role_id == UserRole.role_id,
        RolePermission.permission == _CLIENTS.required_permission,
    ),
)
SESSION_END = case(
    (_SESSIONS.ended_at.is_not(None), null()),
    (_SESSIONS.idle_end < _SESSIONS.absolute_end, _SESSIONS.idle_end),
    else_=_SESSIONS.absolute_end,
)
_CLIENT = [_CLIENTS.disabled_at, _CLIENTS.takes_unverified, HOLDS_PERMISSION, SESSION_END]
_JOINED = (
    _TABLE.join(_USER_TABLE, _USERS.id == _GRANTS.user_id)
    .join(OAuthClient.__table__, _CLIENTS.id == _GRANTS.client_id)
    .outerjoin(UserSession.__table__, _SESSIONS.id == _GRANTS.session_id)
)
_OF_ID = _GRANTS.id == bindparam("of_id", type_=_GRANTS.id.type)
_FOUND = select(*_STATE, *_CLIENT, null(), *_ACCOUNT).select_from(_JOINED).where(_OF_ID)
_FOUND_WITH_ROLES = (
    select(*_STATE, *_CLIENT, roles.application_names_text(_USERS.id), *_ACCOUNT)
    .select_from(_JOINED)
    .where(_OF_ID)
)
_FOUND_FOR_RESOURCE = _FOUND.where(
    exists().where(
        _RESOURCES.identifier == bindparam("audience"), _RESOURCES.client_id == bindparam("of_resource")
    )
)
_ROTATED = (
    update(_TABLE)
    .where(
        _OF_ID,
        _GRANTS.generation == bindparam("of_generation"),
        _GRANTS.ended_at.is_(None),
    )
    .values(
        generation=_GRANTS.generation + 1,
        rotated_at=bindparam("now"),
        last_used_at=bindparam("now"),
        idle_end=bindparam("until"),
        ip_address=bindparam("address"),
        user_agent=bindparam("agent"),
    )
    .returning(*_STATE)
)
_NOW = bindparam("now", type_=_GRANTS.idle_end.type)
_BEYOND = (
    select(_GRANTS.id)
    .where(
        _GRANTS.user_id == bindparam("of_user"),
        _GRANTS.client_id == bindparam("of_client"),
        _GRANTS.id != bindparam("newest", type_=_GRANTS.id.type),
        _GRANTS.ended_at.is_(None),
        _GRANTS.idle_end > _NOW,
        _GRANTS.absolute_end > _NOW,
    )
    .order_by(_GRANTS.last_used_at.desc(), _GRANTS.created_at.desc(), _GRANTS.id)
    .offset(bindparam("others"))
)
_OTHERS = _TABLE.alias("others")
COUNT_OF_OTHERS = (
    select(func.count())
    .where(
        _OTHERS.c.user_id == bindparam("of_user"),
        _OTHERS.c.client_id == bindparam("of_client"),
        _OTHERS.c.id != bindparam("newest", type_=_GRANTS.id.type),
        _OTHERS.c.ended_at.is_(None),
        _OTHERS.c.idle_end > _NOW,
        _OTHERS.c.absolute_end > _NOW,
    )
    .scalar_subquery()
)
_STARTED = insert(_TABLE).returning(COUNT_OF_OTHERS)


def _for_caller(holds_permission: ColumnElement[Any], names: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*clients.CALLING, *_STATE, holds_permission, SESSION_END, names, *_ACCOUNT)
        .select_from(
            clients.CALLER.outerjoin(_TABLE, _OF_ID)
            .outerjoin(_USER_TABLE, _USERS.id == _GRANTS.user_id)
            .outerjoin(UserSession.__table__, _SESSIONS.id == _GRANTS.session_id)
        )
        .where(clients.IS_CALLER)
    )


# Reads the client that calls, too. Without permission and roles, which few need, a third of the time.
_FOR_CALLER = _for_caller(null().label("holds_permission"), null().label("names"))
_FOR_CALLER_WITH_ROLES = _for_caller(HOLDS_PERMISSION, roles.application_names_text(_USERS.id))
_AFTER_STATE = len(_STATE)
_AFTER_CALLING = len(clients.CALLING)
_SCOPES = _AFTER_CALLING + Grant._fields.index("scopes")
_AFTER_CLIENT = _AFTER_STATE + len(_CLIENT) + 1


def found(reads: Reads, grant_id: UUID, *, with_roles: bool = False) -> Found | None:
    """Return a grant whose account and client exist, as they stand now. One statement, no transaction."""
    return _found(reads.first(_FOUND_WITH_ROLES if with_roles else _FOUND, {"of_id": grant_id}))


def found_for_caller(
    reads: Reads, client_id: str, digest: bytes, now: datetime, grant_id: UUID
) -> tuple[Calling | None, Found | None]:
    """Return what `clients.calling` and `found` return, with the roles. All of it is from one statement.

    A grant of another client comes with the state of the client that calls: compare the clients first.
    """
    values = clients.values_of_caller(client_id, digest, now) | {"of_id": grant_id}
    row = reads.first(_FOR_CALLER, values)
    if row is not None and clients.needs_roles(row, row[_SCOPES]):
        row = reads.first(_FOR_CALLER_WITH_ROLES, values)
    if row is None:
        return None, None
    calling, row = clients.as_calling(row[:_AFTER_CALLING]), row[_AFTER_CALLING:]
    grant = Grant._make(row[:_AFTER_STATE])
    holds_permission, session_end, names, *account = row[_AFTER_STATE:]
    if grant.client_id is None or account[0] is None:  # no such grant, or without its client or account
        return calling, None
    client = calling.client
    is_permitted = client.required_permission is None or bool(holds_permission)
    state = (client.disabled_at, client.takes_unverified, is_permitted, session_end)
    return calling, Found(grant, *state, roles.split(names), Account._make(account))


def found_for_resource(reads: Reads, grant_id: UUID, audience: str, resource_client: str) -> Found | None:
    """Return as `found`, if the audience is a resource of this client of kind resource."""
    values = {"of_id": grant_id, "audience": audience, "of_resource": resource_client}
    return _found(reads.first(_FOUND_FOR_RESOURCE, values))


def _found(row: Sequence[Any] | None) -> Found | None:
    if row is None:
        return None
    disabled_at, takes_unverified, holds_permission, session_end, names = row[_AFTER_STATE:_AFTER_CLIENT]
    return Found(
        Grant._make(row[:_AFTER_STATE]),
        disabled_at,
        bool(takes_unverified),
        bool(holds_permission),
        session_end,
        roles.split(names),
        Account._make(row[_AFTER_CLIENT:]),
    )


def start(tx: Session, grant: Grant, now: datetime, client: ClientInfo) -> int:
    """Store a new grant; return how many others of its account and client live.

    That is exact if the account is locked against other redemptions (`redemptions.redeem`).
    """
    return int(tx.execute(_STARTED, values_of_new(grant, now, client)).scalar_one())


def values_of_new(grant: Grant, now: datetime, client: ClientInfo) -> dict[str, Any]:
    """Return the columns of a new grant, and the values of `COUNT_OF_OTHERS`."""
    seen = {"ip_address": client.address, "user_agent": client.user_agent}
    facts = {"created_at": now, "last_used_at": now, "end_reason": None}
    others = {"of_user": grant.user_id, "of_client": grant.client_id, "newest": grant.id, "now": now}
    return grant._asdict() | facts | seen | others


def rotate(
    tx: Session | Reads, current: Grant, now: datetime, idle_end: datetime, client: ClientInfo
) -> Grant | None:
    """Return the grant one generation on, or None if another call rotated or ended it first.

    With `Reads` the statement is a transaction of its own.
    """
    values = {
        "of_id": current.id,
        "of_generation": current.generation,
        "now": now,
        "until": idle_end,
        "address": client.address,
        "agent": client.user_agent,
    }
    row = tx.change(_ROTATED, values) if isinstance(tx, Reads) else tx.execute(_ROTATED, values).one_or_none()
    return Grant._make(row) if row else None


def end(tx: Session, grant_id: UUID, reason: str, now: datetime) -> bool:
    """End a grant and with it all of its tokens; False if it has ended or there is none."""
    ended = update(OAuthGrant).where(OAuthGrant.id == grant_id, OAuthGrant.ended_at.is_(None))
    done = ended.values(ended_at=now, end_reason=reason).returning(OAuthGrant.id)
    return tx.execute(done).one_or_none() is not None


def end_oldest_beyond(tx: Session, limit: int, newest: Grant, now: datetime) -> None:
    """End the least recently used grants of its account and client beyond `limit` living ones.

    The newest one is named and never ended, as two times may be equal. The account must be locked against
    other redemptions (`redemptions.redeem`), so that the limit holds.
    """
    values = {"of_user": newest.user_id, "of_client": newest.client_id, "newest": newest.id}
    ids = tx.scalars(_BEYOND, values | {"now": now, "others": limit - 1}).all()
    if not ids:
        return
    surplus = (OAuthGrant.id.in_(ids), OAuthGrant.ended_at.is_(None))
    lock_grants(tx, *surplus)
    ended = update(OAuthGrant).where(*surplus).values(ended_at=now, end_reason=GrantEnd.TOO_MANY)
    tx.execute(ended.execution_options(synchronize_session=False))
