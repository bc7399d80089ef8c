"""Accounts as an operator sees them."""

from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import TypedDict

from auth.admin.account_expiry import Due
from auth.api_tokens import outputs as api_token_outputs
from auth.api_tokens.outputs import ApiTokenFields
from auth.outputs import EventFields, UserFields, event_fields, optional_moment, user
from auth.sessions.outputs import SessionFields, session_fields
from auth.stores.logged_in import LoggedIn
from models import (
    Account,
    ApiToken,
    AuditEvent,
    UserSession,
    iso,
)


class AccountFields(UserFields):
    disabled_at: str | None
    deletion_due_at: str | None
    password_blocked_at: str | None
    factors_reset_due_at: str | None
    has_password: bool


class DueFields(TypedDict):
    id: int
    username: str
    email: str
    created_at: str
    reason: str


class DueAccounts(TypedDict):
    due: list[DueFields]
    total: int


class OperatorEventFields(EventFields):
    actor_id: int | None


class LogFields(OperatorEventFields):
    id: int
    user_id: int | None


class LoggedInFields(TypedDict):
    id: int
    username: str
    email: str
    sessions: int
    last_used_at: str


class LoggedInAccounts(TypedDict):
    users: list[LoggedInFields]
    more: bool


class Overview(TypedDict):
    user: AccountFields
    roles: list[str]
    sessions: list[SessionFields]
    api_tokens: list[ApiTokenFields]
    apps: list[dict[str, Any]]
    events: list[OperatorEventFields]


def account(found: Account) -> AccountFields:
    """An account as an operator sees it: never the hash, but whether there is one."""
    return {
        **user(found)["user"],
        "disabled_at": optional_moment(found.disabled_at),
        "deletion_due_at": optional_moment(found.deletion_due_at),
        "password_blocked_at": optional_moment(found.password_blocked_at),
        "factors_reset_due_at": optional_moment(found.factors_reset_due_at),
        "has_password": found.password_hash is not None,
    }


def overview(
    found: Account,
    roles: Iterable[str],
    active: Iterable[UserSession],
    tokens: Iterable[ApiToken],
    apps: Iterable[Mapping[str, Any]],
    events: Iterable[AuditEvent],
) -> Overview:
    return {
        "user": account(found),
        "roles": list(roles),
        "sessions": [session_fields(row, None) for row in active],
        "api_tokens": api_token_outputs.fields(tokens),
        "apps": [dict(each) for each in apps],
        "events": [_event(row) for row in events],
    }


def _event(row: AuditEvent) -> OperatorEventFields:
    return {**event_fields(row), "actor_id": row.actor_id}


def event(row: AuditEvent) -> LogFields:
    """An event of the audit log, with its id and the account that it is about."""
    return {"id": row.id, "user_id": row.user_id, **_event(row)}


def logged_in(found: Iterable[LoggedIn], *, more: bool) -> LoggedInAccounts:
    """Accounts with live sessions; `more` says whether higher ids have some, too."""
    listed = [
        LoggedInFields(
            id=each.id,
            username=each.username,
            email=each.email,
            sessions=each.sessions,
            last_used_at=iso(each.last_used_at),
        )
        for each in found
    ]
    return {"users": listed, "more": more}


def due(found: Iterable[Due], number: int) -> DueAccounts:
    """Accounts that would be erased; `total` counts those that are not listed, too."""
    listed = [
        DueFields(
            id=each.account.id,
            username=each.account.username,
            email=each.account.email,
            created_at=iso(each.account.created_at),
            reason=each.reason,
        )
        for each in found
    ]
    return {"due": listed, "total": number}
