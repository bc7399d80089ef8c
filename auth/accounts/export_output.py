"""The answer to a data export. No secret is in it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from auth.event_texts import event_text
from auth.outputs import event_fields, optional_moment
from auth.sessions.outputs import session_fields
from models import AuditEvent, OutgoingMail, User, UserSession, public_fields
from utils.web.localized import localized

END_ROOM = 100  # bytes for what follows the events


class Export(TypedDict):
    user: Annotated[dict[str, Any], Field(description="The account.", examples=[{"username": "ada"}])]
    sessions: Annotated[list[dict[str, Any]], Field(description="Ended ones too, as long as they are kept.")]
    api_tokens: Annotated[
        list[dict[str, Any]], Field(description="What they are called and may do; never the tokens.")
    ]
    devices: Annotated[list[dict[str, Any]], Field(description="Devices from which the account logged in.")]
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
    app_consents: Annotated[
        list[dict[str, Any]], Field(description="What was allowed to each app, and since when.")
    ]
    app_grants: Annotated[
        list[dict[str, Any]], Field(description="Access of apps, ended too as long as it is kept; no tokens.")
    ]
    events: Annotated[
        list[dict[str, Any]], Field(description="What the audit log has about the account, newest first.")
    ]
    events_truncated: Annotated[
        bool, Field(description="Whether the oldest events were left out, as the export would be too large.")
    ]


def _user(row: User) -> dict[str, Any]:
    return {
        **public_fields(row),
        **_times(row, "email_verified_at", "password_changed_at", "password_blocked_at"),
        **_times(row, "disabled_at", "deletion_due_at", "tokens_valid_after", "terms_accepted_at"),
        **_times(row, "two_factor_at", "factors_reset_due_at", "factor_tries_end_at"),
        "recovery_codes_left": row.recovery_codes_left,
        "factor_tries": row.factor_tries,
        "failures": row.failures,
        "origin": row.origin,
        "terms_version": row.terms_version,
        "signup_locale": row.signup_locale,
        "has_password": row.password_hash is not None,
    }


def _session(row: UserSession) -> dict[str, Any]:
    return {
        **{k: v for k, v in session_fields(row, None).items() if k != "current"},
        **_times(row, "auth_time", "rotated_at", "idle_end", "absolute_end", "ended_at", "factor_at"),
        "user_agent": row.user_agent,
        "failures": row.failures,
        "signed_in_with": row.amr,
        "refreshes": row.generation,
        "end_reason": row.end_reason,
    }


def _mail(row: OutgoingMail) -> dict[str, Any]:
    return {
        "template": row.template,
        "recipient": row.recipient,
        "facts": row.facts,
        "language": row.language,
        "attempts": row.attempts,
        "last_error": row.last_error,
        **_times(row, "created_at", "sent_at", "given_up_at"),
    }


def _event(row: AuditEvent) -> dict[str, Any]:
    return {
        **event_fields(row),
        "text": event_text(row.event, row.reason, row.detail, localized),
        "session_id": str(row.session_id) if row.session_id else None,
        "user_agent": row.user_agent,
    }


# What the columns say about the person. No secret, no random id and no derived key.
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
    "devices": lambda row: {
        "failures": row.failures,
        "totp_failures": row.totp_failures,
        **_times(row, "first_seen_at", "last_seen_at", "trusted_until", "reset_at"),
    },
    "authenticators": lambda row: {
        "failures": row.failures,
        **_times(row, "created_at", "confirmed_at"),
    },
    "recovery_codes": lambda row: _times(row, "created_at", "used_at"),
    "passkeys": lambda row: {
        "name": row.name,
        "backed_up": row.backed_up,
        "needs_password": row.needs_password,
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


def pieces(sections: Iterable[tuple[str, Iterable[Any]]], size: int) -> Iterator[str]:
    """Yield the text of an `Export`, a row at a time. The section `user` has one row, and is an object.

    The last section are the events, newest first. Those that would make the text longer than `size` bytes are
    left out: strangers can cause events, and must not make an export impossible.
    """
    written, before, is_truncated = 0, "{", False
    for name, rows in sections:
        opening, closing = ("", "") if name == "user" else ("[", "]")
        start = f"{before}{_json(name)}:{opening}"
        yield start
        written += len(start)
        for number, row in enumerate(rows):
            fields = _FIELDS[name](row) if name in _FIELDS else row  # other packages yield fields
            text = f"{',' if number else ''}{_json(fields)}"
            written += len(text.encode())
            if name == "events" and written > size - END_ROOM:
                is_truncated = True
                break
            yield text
        yield closing
        written, before = written + len(closing), ","
    yield f'{before}"events_truncated":{_json(is_truncated)}}}\n'


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _times(row: Any, *names: str) -> dict[str, str | None]:
    return {name: optional_moment(getattr(row, name)) for name in names}
