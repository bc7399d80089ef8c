"""One function per answer; nothing leaves except through here. The types are the published schemas."""

from collections.abc import Iterable
from typing import Annotated, NotRequired, cast
from urllib.parse import quote
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.tokens import TokenPair
from models import Account, AuditEvent, UserSession, iso, public_fields
from utils.devices import device

Moment = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-23T14:00:00.000000Z"])
]


class UserFields(TypedDict):
    id: Annotated[int, Field(examples=[1])]
    username: Annotated[str, Field(examples=["ada"])]
    email: Annotated[str, Field(examples=["ada@example.com"])]
    email_verified: Annotated[bool, Field(examples=[False])]
    created_at: Moment
    two_factor_enabled: Annotated[bool, Field(examples=[False])]


class OneUser(TypedDict):
    user: UserFields


class Registered(OneUser):
    message: Annotated[str, Field(examples=["User registered successfully"])]


class Tokens(TypedDict):
    access_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIs..."])]
    token_type: Annotated[str, Field(examples=["Bearer"])]
    expires_in: Annotated[int, Field(description="Seconds.", examples=[3600])]
    refresh_token: NotRequired[
        Annotated[str, Field(description="Absent when it is in the cookie.", examples=["AQnXkW3..."])]
    ]


class SignedIn(Tokens):
    message: Annotated[str, Field(examples=["Login successful"])]
    user: UserFields


class SessionFields(TypedDict):
    id: Annotated[
        str,
        Field(json_schema_extra={"format": "uuid"}, examples=["0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11"]),
    ]
    current: Annotated[bool, Field(description="Whether it is the one that asks.", examples=[True])]
    remembered: Annotated[bool, Field(examples=[False])]
    created_at: Moment
    last_used_at: Annotated[Moment, Field(description="The last refresh.")]
    ip_address: Annotated[str | None, Field(examples=["203.0.113.7"])]
    browser: Annotated[str | None, Field(examples=["Firefox 145"])]
    system: Annotated[str | None, Field(examples=["Ubuntu"])]


class Sessions(TypedDict):
    sessions: list[SessionFields]


class Ended(TypedDict):
    ended: Annotated[int, Field(description="How many sessions there were.", examples=[2])]


class AccountFields(UserFields):
    disabled_at: str | None
    has_password: bool


class EventFields(TypedDict):
    at: str
    event: str
    reason: str | None
    count: int
    operator: str | None
    ip_address: str | None
    request_id: str


class Overview(TypedDict):
    user: AccountFields
    sessions: list[SessionFields]
    events: list[EventFields]


def user(found: Account) -> OneUser:
    return {"user": cast(UserFields, public_fields(found))}


def registered(found: Account) -> Registered:
    return {"message": "User registered successfully", **user(found)}


def tokens(pair: TokenPair, *, in_body: bool) -> Tokens:
    """The pair; without its refresh token where that travels as a cookie."""
    answer: Tokens = {
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
    }
    if in_body:
        answer["refresh_token"] = pair.refresh_token
    return answer


def signed_in(found: Account, pair: TokenPair, *, in_body: bool) -> SignedIn:
    return {"message": "Login successful", **tokens(pair, in_body=in_body), **user(found)}


def sessions(rows: Iterable[UserSession], current: UUID) -> Sessions:
    return {"sessions": [_session(row, current) for row in rows]}


def _session(row: UserSession, current: UUID | None) -> SessionFields:
    browser, system = device(row.user_agent)
    return {
        "id": str(row.id),
        "current": row.id == current,
        "remembered": row.remembered,
        "created_at": iso(row.created_at),
        "last_used_at": iso(row.last_used_at),
        "ip_address": row.ip_address,
        "browser": browser,
        "system": system,
    }


def verified(found: Account) -> dict[str, str]:
    """Whose the token is, as headers: a proxy passes those on and reads no body."""
    return {"X-Auth-User-Id": str(found.id), "X-Auth-Username": quote(found.username, safe="")}


def account(found: Account) -> AccountFields:
    """An account as an operator sees it: never the hash, but whether there is one."""
    return {
        **user(found)["user"],
        "disabled_at": iso(found.disabled_at) if found.disabled_at else None,
        "has_password": found.password_hash is not None,
    }


def overview(found: Account, living: Iterable[UserSession], events: Iterable[AuditEvent]) -> Overview:
    return {
        "user": account(found),
        "sessions": [_session(row, None) for row in living],
        "events": [_event(row) for row in events],
    }


def _event(row: AuditEvent) -> EventFields:
    return {
        "at": iso(row.at),
        "event": row.event,
        "reason": row.reason,
        "count": row.count,
        "operator": row.operator,
        "ip_address": row.ip_address,
        "request_id": row.request_id,
    }


def ended(number: int) -> Ended:
    return {"ended": number}
