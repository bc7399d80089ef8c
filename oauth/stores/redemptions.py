"""Authorization codes when they come back (RFC 6749, 4.1.3): reading one, and using it up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    bindparam,
    exists,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from auth.account_state import Use
from auth.events import Event
from auth.stores import audit, roles
from auth.stores.account_state import clause
from auth.stores.users import COLUMNS
from models import Account, User, UserSession
from oauth.stores import clients
from oauth.stores.clients import Calling
from oauth.stores.grants import (
    COUNT_OF_OTHERS,
    HOLDS_PERMISSION,
    MAX_LIVING,
    SESSION_END,
    Grant,
    values_of_new,
)
from tables.oauth import OAuthClient, OAuthCode, OAuthGrant
from utils.client_info import ClientInfo
from utils.database.reads import Reads


class Code(NamedTuple):
    """A snapshot of a code. Columns of `oauth_codes`."""

    id: UUID
    client_id: str
    user_id: int
    session_id: UUID
    nonce: bytes
    redirect_uri: str
    code_challenge: str | None
    oidc_nonce: str | None
    scopes: list[str]
    resource: str | None
    auth_time: datetime
    amr: str
    expires_at: datetime
    used_at: datetime | None
    grant_id: UUID | None


class FoundCode(NamedTuple):
    """A code, used or not, with all that decides whether it may be redeemed now. As `grants.Found`."""

    code: Code
    holds_permission: bool
    session_end: datetime | None
    roles: tuple[str, ...]  # of the application
    account: Account


_TABLE, _USER_TABLE = cast(Table, OAuthCode.__table__), cast(Table, User.__table__)
_CODES, _USERS = _TABLE.c, _USER_TABLE.c
_CLIENTS, _SESSIONS = cast(Table, OAuthClient.__table__).c, cast(Table, UserSession.__table__).c
_STATE = [_CODES[name] for name in Code._fields]
_ACCOUNT = [_USERS[column.key] for column in COLUMNS]
_FOUND = (
    select(*_STATE, HOLDS_PERMISSION, SESSION_END, roles.application_names_text(_USERS.id), *_ACCOUNT)
    .select_from(
        _TABLE.join(_USER_TABLE, _USERS.id == _CODES.user_id)
        .join(OAuthClient.__table__, _CLIENTS.id == _CODES.client_id)
        .outerjoin(UserSession.__table__, _SESSIONS.id == _CODES.session_id)
    )
    .where(_CODES.id == bindparam("of_id", type_=_CODES.id.type))
)


def _for_caller(holds_permission: ColumnElement[Any], names: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*clients.CALLING, *_STATE, holds_permission, SESSION_END, names, *_ACCOUNT)
        .select_from(
            clients.CALLER.outerjoin(_TABLE, _CODES.id == bindparam("of_id", type_=_CODES.id.type))
            .outerjoin(_USER_TABLE, _USERS.id == _CODES.user_id)
            .outerjoin(UserSession.__table__, _SESSIONS.id == _CODES.session_id)
        )
        .where(clients.IS_CALLER)
    )


# As for grants.
_FOR_CALLER = _for_caller(null().label("holds_permission"), null().label("names"))
_FOR_CALLER_WITH_ROLES = _for_caller(HOLDS_PERMISSION, roles.application_names_text(_USERS.id))
_AFTER_CALLING = len(clients.CALLING)
_SCOPES = _AFTER_CALLING + Code._fields.index("scopes")
_NOW = bindparam("now", type_=_CODES.expires_at.type)
# Locked until the commit: who ends the session waits, and then finds the grant.
_LIVING_SESSION = (
    select(_SESSIONS.id)
    .where(
        _SESSIONS.id == bindparam("of_session", type_=_SESSIONS.id.type),
        _SESSIONS.ended_at.is_(None),
        _SESSIONS.idle_end > _NOW,
        _SESSIONS.absolute_end > _NOW,
    )
    .with_for_update(read=True)
    .scalar_subquery()
)
_ENABLED_CLIENT = (
    select(_CLIENTS.id)
    .where(_CLIENTS.id == bindparam("of_client"), _CLIENTS.disabled_at.is_(None))
    .with_for_update(read=True, key_share=True)
    .scalar_subquery()
)


def _usable_account(*, skip_locked: bool = False) -> ColumnElement[Any]:
    return (
        select(_USERS.id)
        .where(_USERS.id == bindparam("of_user"), *clause(Use.CALL_WITH_APP, table=_USER_TABLE))
        .with_for_update(key_share=True, skip_locked=skip_locked)
        .scalar_subquery()
    )


def _redeemed(account: ColumnElement[Any]) -> ReturningUpdate[Any]:
    return (
        update(_TABLE)
        .where(
            _CODES.id == bindparam("of_id", type_=_CODES.id.type),
            account.is_not(None),
            _ENABLED_CLIENT.is_not(None),
            _LIVING_SESSION.is_not(None),
            _CODES.used_at.is_(None),
            _CODES.expires_at > _NOW,
        )
        .values(used_at=_NOW, grant_id=bindparam("new_grant", type_=_CODES.grant_id.type))
        .returning(_CODES.id)
    )


_REDEEMED = _redeemed(_usable_account())
# All of it in one statement, for Postgres. It counts the grants in its own snapshot. While another
# transaction has the lock of the account it does nothing, as its count could miss the grant of that one. What
# was committed between snapshot and lock is missed as well: hence the room for several.
ROOM = 4
_AT_ONCE = _redeemed(_usable_account(skip_locked=True))
_USED = _AT_ONCE.where(COUNT_OF_OTHERS < MAX_LIVING - ROOM).cte("used")
_IS_USED = exists(select(_USED.c.id))
_GRANT_TABLE = cast(Table, OAuthGrant.__table__)
# The names of values that are sent once and inserted into several columns.
_OF_BOTH = {
    "user_id": "of_user",
    "session_id": "of_session",
    "ip_address": "new_ip_address",
    "user_agent": "new_user_agent",
}
_OF_GRANT = _OF_BOTH | {
    "id": "new_grant",
    "client_id": "of_client",
    "created_at": "now",
    "last_used_at": "now",
}
_NEW = [
    bindparam(_OF_GRANT.get(column.key, f"new_{column.key}"), type_=column.type) for column in _GRANT_TABLE.c
]
_STARTED = (
    insert(_GRANT_TABLE)
    .from_select([*_GRANT_TABLE.c], select(*_NEW).where(_IS_USED))
    .returning(_GRANT_TABLE.c.id)
    .cte("started")
)
_RECORDED = audit.appended_with(Event.APP_SIGNED_IN, _IS_USED, _OF_BOTH | {"at": "now"})
_REDEEMED_AT_ONCE = select(
    or_(
        _IS_USED,
        exists().where(
            _CODES.id == bindparam("of_id", type_=_CODES.id.type),
            _CODES.grant_id == bindparam("new_grant", type_=_CODES.grant_id.type),
        ),
    )
).add_cte(_STARTED, _RECORDED)


def found(reads: Reads, code_id: UUID) -> FoundCode | None:
    """Return a code whose account and client exist, as they stand now. One statement, no transaction."""
    row = reads.first(_FOUND, {"of_id": code_id})
    return _found(row) if row is not None else None


def found_for_caller(
    reads: Reads, client_id: str, digest: bytes, now: datetime, code_id: UUID
) -> tuple[Calling | None, FoundCode | None]:
    """Return what `clients.calling` and `found` return. All of it is from one statement.

    A code of another client comes with the state of the client that calls: compare the clients first.
    """
    values = clients.values_of_caller(client_id, digest, now) | {"of_id": code_id}
    row = reads.first(_FOR_CALLER, values)
    if row is not None and clients.needs_roles(row, row[_SCOPES]):
        row = reads.first(_FOR_CALLER_WITH_ROLES, values)
    if row is None:
        return None, None
    calling, row = clients.as_calling(row[:_AFTER_CALLING]), row[_AFTER_CALLING:]
    if row[0] is None:
        return calling, None
    found = _found(row)
    is_permitted = calling.client.required_permission is None or found.holds_permission
    return calling, found._replace(holds_permission=is_permitted)


def _found(row: Sequence[Any]) -> FoundCode:
    holds_permission, session_end, names, *account = row[len(_STATE) :]
    return FoundCode(
        Code._make(row[: len(_STATE)]),
        bool(holds_permission),
        session_end,
        roles.split(names),
        Account._make(account),
    )


def redeem(tx: Session, code: Code, grant_id: UUID, now: datetime) -> bool:
    """Use up a code for this grant; False if it is used or expired, or its account, client or session ended.

    Of concurrent calls one succeeds. Locks, in this order, the account against any other redemption, so that
    the number of its grants is counted exactly; the client against changes by operators; the session against
    its end; and the code.
    """
    return tx.execute(_REDEEMED, _values(code, grant_id, now)).one_or_none() is not None


def redeem_at_once(
    reads: Reads, code: Code, grant: Grant, now: datetime, caller: ClientInfo, client_name: str
) -> bool:
    """Use up a code, start its grant and write the audit event, in one statement.

    False if it did nothing: as `redeem`, or as its account and client have nearly as many grants as they may,
    or as another transaction has the lock of the account, or as the database is not Postgres. Then `redeem`
    decides.
    """
    if not reads.can_write_in_ctes:
        return False
    new = {f"new_{name}": value for name, value in values_of_new(grant, now, caller).items()}
    event = audit.values_with(
        now, caller, user_id=code.user_id, session_id=code.session_id, detail=client_name
    )
    row = reads.first(_REDEEMED_AT_ONCE, _values(code, grant.id, now) | {"newest": grant.id} | new | event)
    return row is not None and bool(row[0])


def _values(code: Code, grant_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "of_id": code.id,
        "of_user": code.user_id,
        "of_client": code.client_id,
        "of_session": code.session_id,
        "new_grant": grant_id,
        "now": now,
    }
