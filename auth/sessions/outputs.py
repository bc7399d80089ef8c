"""The answers about sessions and their tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NotRequired
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.outputs import Moment
from auth.tokens import TokenPair
from models import UserSession, iso
from utils.web.devices import device


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


class SessionWithApps(SessionFields):
    apps: Annotated[
        list[str], Field(description="Apps that it logged in to, which have access.", examples=[["Wiki"]])
    ]


class Sessions(TypedDict):
    sessions: list[SessionWithApps]


class EndedSessions(TypedDict):
    ended: Annotated[int, Field(description="How many sessions there were.", examples=[2])]


def sessions(rows: Iterable[UserSession], current: UUID, apps: Mapping[UUID, Sequence[str]]) -> Sessions:
    return {"sessions": [{**session_fields(row, current), "apps": [*apps.get(row.id, ())]} for row in rows]}


def session_fields(row: UserSession, current: UUID | None) -> SessionFields:
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


def ended(number: int) -> EndedSessions:
    return {"ended": number}


class Tokens(TypedDict):
    access_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIs..."])]
    token_type: Annotated[str, Field(examples=["Bearer"])]
    expires_in: Annotated[int, Field(description="Seconds.", examples=[3600])]
    refresh_token: NotRequired[
        Annotated[str, Field(description="Absent when it is in the cookie.", examples=["AQnXkW3..."])]
    ]


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
