"""Authorization codes when they come back (RFC 6749, 4.1.3): reading one, and using it up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from auth.account_state import Use
from auth.stores import roles
from auth.stores.account_state import clause
from auth.stores.users import COLUMNS
from models import Account, User, UserSession
from oauth.stores import clients
from oauth.stores.clients import Calling
from oauth.stores.grants import HOLDS_PERMISSION, SESSION_END
from tables.oauth import OAuthClient, OAuthCode
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
_FOR_CALLER = (  # as for grants
    select(
        *clients.CALLING,
        *_STATE,
        HOLDS_PERMISSION,
        SESSION_END,
        roles.application_names_text(_USERS.id),
        *_ACCOUNT,
    )
    .select_from(
        clients.CALLER.outerjoin(_TABLE, _CODES.id == bindparam("of_id", type_=_CODES.id.type))
        .outerjoin(_USER_TABLE, _USERS.id == _CODES.user_id)
        .outerjoin(UserSession.__table__, _SESSIONS.id == _CODES.session_id)
    )
    .where(clients.IS_CALLER)
)
_AFTER_CALLING = len(clients.CALLING)
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
_USABLE_ACCOUNT = (
    select(_USERS.id)
    .where(_USERS.id == bindparam("of_user"), *clause(Use.CALL_WITH_APP, table=_USER_TABLE))
    .with_for_update(key_share=True)
    .scalar_subquery()
)
_REDEEMED = (
    update(_TABLE)
    .where(
        _CODES.id == bindparam("of_id", type_=_CODES.id.type),
        _USABLE_ACCOUNT.is_not(None),
        _ENABLED_CLIENT.is_not(None),
        _LIVING_SESSION.is_not(None),
        _CODES.used_at.is_(None),
        _CODES.expires_at > _NOW,
    )
    .values(used_at=_NOW, grant_id=bindparam("new_grant", type_=_CODES.grant_id.type))
    .returning(_CODES.id)
)


def found(reads: Reads, code_id: UUID) -> FoundCode | None:
    """Return a code whose account and client exist, as they stand now. One statement, no transaction."""
    row = reads.first(_FOUND, {"of_id": code_id})
    return _found(row) if row is not None else None


def found_for_caller(
    reads: Reads, client_id: str, digest: bytes, now: datetime, code_id: UUID
) -> tuple[Calling | None, FoundCode | None]:
    """Return what `clients.calling` and `found` return. One statement.

    A code of another client comes with the state of the client that calls: compare the clients first.
    """
    values = clients.values_of_caller(client_id, digest, now) | {"of_id": code_id}
    row = reads.first(_FOR_CALLER, values)
    if row is None:
        return None, None
    calling, row = clients.as_calling(row[:_AFTER_CALLING]), row[_AFTER_CALLING:]
    return calling, _found(row) if row[0] is not None else None


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
    values = {
        "of_id": code.id,
        "of_user": code.user_id,
        "of_client": code.client_id,
        "of_session": code.session_id,
        "new_grant": grant_id,
        "now": now,
    }
    return tx.execute(_REDEEMED, values).one_or_none() is not None
