"""The answers that several packages share. The types are the published schemas."""

from datetime import datetime
from typing import Annotated, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from models import Account, AuditEvent, iso, public_fields
from utils.web.localized import localized

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
    locale: Annotated[
        str | None, Field(description="The chosen language; null: ask the browser.", examples=["de"])
    ]


class OneUser(TypedDict):
    user: UserFields


class EventFields(TypedDict):
    at: str
    event: str
    reason: str | None
    detail: str | None
    count: int
    operator: str | None
    ip_address: str | None
    request_id: str


class Message(TypedDict):
    message: Annotated[
        str,
        Field(
            description="For people, in the language of Accept-Language.",
            examples=["The address is confirmed."],
        ),
    ]


def user(found: Account) -> OneUser:
    return {"user": cast(UserFields, public_fields(found))}


def event_fields(row: AuditEvent) -> EventFields:
    return {
        "at": iso(row.at),
        "event": row.event,
        "reason": row.reason,
        "detail": row.detail,
        "count": row.count,
        "operator": row.operator,
        "ip_address": row.ip_address,
        "request_id": row.request_id,
    }


def optional_moment(at: datetime | None) -> str | None:
    return iso(at) if at else None


# What people read after a call that has nothing else to tell.
MESSAGES = {
    "register": "Check your mailbox: we have sent a message to this address.",
    "verify": "The address is confirmed.",
    "resend": "If this address waits to be confirmed, we have sent a link to it.",
    "reject": "The account has been erased.",
    "change_email": "Check the mailbox of the new address: we have sent a message to it.",
    "undo": "The address is yours again. We have sent a link for a new password to it.",
    "forgot": "If there is an account for this address, we have sent a link to it.",
    "reset": "The password has been changed. Log in with the new one.",
    "remove_totp": "Authenticator codes are off.",
    "change_password": "The password has been changed.",
    "remove_password": "The password has been removed. Only your passkeys log in now.",
    "stop_factors_reset": "Your second factors are kept.",
    "restore": "The account stays. Log in as usual.",
    "disown": "Every session has been ended. We have sent a link for a new password.",
    "leave": "The account is closed. Until it is erased, the link that we have sent keeps it.",
}


def message(after: str) -> Message:
    return {"message": localized(MESSAGES[after])}
