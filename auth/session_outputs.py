"""The answers about sessions and what happened in them."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.events import in_plain_words
from auth.outputs import Moment
from models import AuditEvent, UserSession, iso
from utils.cursors import cursor
from utils.devices import device


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


class ActivityFields(TypedDict):
    at: Moment
    event: Annotated[str, Field(description="A word for programs.", examples=["signed_in"])]
    text: Annotated[str, Field(description="The same in plain words.", examples=["You logged in."])]
    ip_address: Annotated[str | None, Field(examples=["203.0.113.7"])]
    browser: Annotated[str | None, Field(examples=["Firefox 145"])]
    system: Annotated[str | None, Field(examples=["Ubuntu"])]


class Activity(TypedDict):
    events: list[ActivityFields]
    next_cursor: Annotated[
        str | None, Field(description="For the next page; null at the end.", examples=["AAAAAAAAAAAB"])
    ]


def activity(rows: Iterable[AuditEvent], below: int | None) -> Activity:
    return {"events": [_activity(row) for row in rows], "next_cursor": cursor(below) if below else None}


def _activity(row: AuditEvent) -> ActivityFields:
    browser, system = device(row.user_agent) if row.operator is None else (None, None)
    return {
        "at": iso(row.at),
        "event": row.event,
        "text": in_plain_words(row.event, row.reason),
        "ip_address": row.ip_address,
        "browser": browser,
        "system": system,
    }


def sessions(rows: Iterable[UserSession], current: UUID) -> Sessions:
    return {"sessions": [session_fields(row, current) for row in rows]}


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


def ended(number: int) -> Ended:
    return {"ended": number}
