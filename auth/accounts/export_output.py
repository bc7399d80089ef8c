"""The answer to a data export. No secret is in it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from auth.events import event_text
from auth.sessions.outputs import session_fields
from models import AuditEvent, OutgoingMail, User, UserSession, iso, public_fields


class EventFields(TypedDict):
    at: str
    event: str
    reason: str | None
    detail: str | None
    count: int
    operator: str | None
    ip_address: str | None
    request_id: str


class Export(TypedDict):
    user: Annotated[dict[str, Any], Field(description="The account.", examples=[{"username": "ada"}])]
    sessions: Annotated[list[dict[str, Any]], Field(description="Ended ones too, as long as they are kept.")]
    api_tokens: Annotated[
        list[dict[str, Any]], Field(description="What they are called and may do; never the tokens.")
    ]
    devices: Annotated[list[dict[str, Any]], Field(description="Where somebody has logged in before.")]
    authenticators: Annotated[
        list[dict[str, Any]], Field(description="When an authenticator app was set up; never its secret.")
    ]
    recovery_codes: Annotated[list[dict[str, Any]], Field(description="When each was made, and used.")]
    passkeys: Annotated[list[dict[str, Any]], Field(description="What they are called; never their keys.")]
    challenges: Annotated[
        list[dict[str, Any]], Field(description="Pending second steps and passkey requests.")
    ]
    links: Annotated[list[dict[str, Any]], Field(description="What mailed links were for; never the links.")]
    mails: Annotated[list[dict[str, Any]], Field(description="Which mails were written, and when they went.")]
    roles: Annotated[list[dict[str, Any]], Field(description="Its roles, and since when it has each.")]
    freed_usernames: Annotated[
        list[dict[str, Any]], Field(description="Until when each former user name is kept; never the name.")
    ]
    events: Annotated[
        list[dict[str, Any]], Field(description="All that the audit log has about the account.")
    ]


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


def moment(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _user(row: User) -> dict[str, Any]:
    return {
        **public_fields(row),
        **_times(row, "email_verified_at", "password_changed_at", "password_blocked_at"),
        **_times(row, "disabled_at", "deletion_due_at", "tokens_valid_after", "terms_accepted_at"),
        **_times(row, "two_factor_at", "factors_reset_due_at", "factor_tries_end_at"),
        "recovery_codes_left": row.recovery_codes_left,
        "factor_tries": row.factor_tries,
        "terms_version": row.terms_version,
        "has_password": row.password_hash is not None,
    }


def _session(row: UserSession) -> dict[str, Any]:
    return {
        **{k: v for k, v in session_fields(row, None).items() if k != "current"},
        **_times(row, "auth_time", "rotated_at", "idle_end", "absolute_end", "ended_at", "factor_at"),
        "user_agent": row.user_agent,
        "signed_in_with": row.amr,
        "refreshes": row.generation,
        "end_reason": row.end_reason,
    }


def _mail(row: OutgoingMail) -> dict[str, Any]:
    return {
        "template": row.template,
        "recipient": row.recipient,
        "facts": row.facts,
        "attempts": row.attempts,
        "last_error": row.last_error,
        **_times(row, "created_at", "sent_at", "given_up_at"),
    }


def _event(row: AuditEvent) -> dict[str, Any]:
    return {
        **event_fields(row),
        "text": event_text(row.event, row.reason, row.detail),
        "session_id": str(row.session_id) if row.session_id else None,
        "user_agent": row.user_agent,
    }


# Every column that says something about the person. No secret, and no derived key.
_FIELDS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "user": _user,
    "sessions": _session,
    "api_tokens": lambda row: {
        "name": row.name,
        "permissions": row.permissions.split(","),
        "ends_with": row.shown,
        "by_factor": row.by_factor,
        **_times(row, "created_at", "expires_at", "last_used_at", "revoked_at"),
    },
    "devices": lambda row: _times(row, "first_seen_at", "last_seen_at", "trusted_until"),
    "authenticators": lambda row: _times(row, "created_at", "confirmed_at"),
    "recovery_codes": lambda row: _times(row, "created_at", "used_at"),
    "passkeys": lambda row: {
        "name": row.name,
        "backed_up": row.backed_up,
        **_times(row, "created_at", "last_used_at"),
    },
    "challenges": lambda row: {
        "remembered": row.remembered,
        **_times(row, "created_at", "expires_at", "used_at"),
    },
    "links": lambda row: {
        "purpose": row.purpose,
        "email": row.email,
        **_times(row, "created_at", "expires_at", "used_at"),
    },
    "mails": _mail,
    "roles": lambda row: {"name": row.name, **_times(row, "granted_at")},
    "freed_usernames": lambda row: _times(row, "ends_at"),
    "events": _event,
}


def pieces(sections: Iterable[tuple[str, Iterable[Any]]]) -> Iterator[str]:
    """Yield the text of an `Export`, a row at a time. The section `user` has one row, and is an object."""
    before = "{"
    for name, rows in sections:
        texts = (_json(_FIELDS[name](row)) for row in rows)
        if name == "user":
            yield f"{before}{_json(name)}:{next(texts)}"
        else:
            yield f"{before}{_json(name)}:["
            for number, text in enumerate(texts):
                yield f",{text}" if number else text
            yield "]"
        before = ","
    yield "}\n"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _times(row: Any, *names: str) -> dict[str, str | None]:
    return {name: moment(getattr(row, name)) for name in names}
