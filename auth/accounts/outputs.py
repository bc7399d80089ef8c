"""The answers about accounts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.event_texts import event_text
from auth.outputs import Message, Moment, OneUser, message, user
from models import Account, AuditEvent, iso
from utils.languages.text import Text
from utils.web.cursors import cursor
from utils.web.devices import device
from utils.web.localized import localized


class Me(OneUser):
    second_factor_setup_required: Annotated[
        bool, Field(description="Whether nothing else is open until then.", examples=[False])
    ]
    two_factor_since: Annotated[Moment | None, Field(description="Since when a password is not enough.")]
    recovery_codes_left: Annotated[int, Field(description="Those that were not used.", examples=[0])]
    factors_reset_at: Annotated[
        Moment | None, Field(description="When an operator's removal of all second factors takes effect.")
    ]
    has_password: Annotated[bool, Field(description="Whether a passkey is not the only way in.")]
    roles: Annotated[list[str], Field(description="The names of its roles.", examples=[["editor"]])]
    permissions: Annotated[
        list[str], Field(description="What it may do in this session now.", examples=[["reports:read"]])
    ]
    auth_time: Annotated[
        Moment | None,
        Field(description="When the session's owner last proved who they are; null without a session."),
    ]


class Registered(OneUser):
    message: Annotated[str, Field(examples=["User registered successfully"])]


class Leaving(Message):
    erase_at: Moment


def me(
    found: Account,
    auth_time: datetime | None,
    *,
    roles: Iterable[str],
    permissions: Iterable[str],
    enrollment_only: bool,
) -> Me:
    return {
        **user(found),
        "second_factor_setup_required": enrollment_only,
        "two_factor_since": iso(found.two_factor_at) if found.two_factor_at else None,
        "recovery_codes_left": found.recovery_codes_left,
        "factors_reset_at": iso(found.factors_reset_due_at) if found.factors_reset_due_at else None,
        "has_password": found.password_hash is not None,
        "roles": list(roles),
        "permissions": sorted(permissions),
        "auth_time": iso(auth_time) if auth_time else None,
    }


def registered(found: Account) -> Registered:
    return {"message": localized(Text("User registered successfully")), **user(found)}


def leaving(erase_at: datetime) -> Leaving:
    return {**message("leave"), "erase_at": iso(erase_at)}


def verified(found: Account) -> dict[str, str]:
    """Return the account as headers: a proxy passes headers on and reads no body."""
    return {"X-Auth-User-Id": str(found.id), "X-Auth-Username": quote(found.username, safe="")}


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
        "text": event_text(row.event, row.reason, row.detail, localized),
        "ip_address": row.ip_address,
        "browser": browser,
        "system": system,
    }
