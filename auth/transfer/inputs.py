"""A line of an import: a JSON object about one account."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from auth.fields import Email
from auth.permissions import MAX_ROLE_NAME
from models import MAX_TAG
from utils.web.validation import Body

MAX_ROLES = 20  # of an account
MAX_ID, MAX_ID_TEXT = 2**63 - 1, 128  # of another system: a number, or characters
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None and found >= _FIRST:
            return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise PydanticCustomError(
        "moment_invalid", "must be a time in ISO 8601 with its zone, such as 2015-03-01T12:00:00Z"
    )


def is_id(value: Any) -> bool:
    """Return whether this can be an id of another system: a whole number of 64 bits, or a short text."""
    if type(value) is int:
        return abs(value) <= MAX_ID
    return type(value) is str and len(value) <= MAX_ID_TEXT


def _given_id(value: Any) -> Any:
    if not is_id(value):
        raise PydanticCustomError(
            "id_invalid", "must be a whole number of 64 bits, or text of at most 128 characters"
        )
    return value


# The tag of a language (BCP 47, the form of RFC 5646, 2.1), installed or not; other systems write `de_DE`.
_Tag = Annotated[
    str, StringConstraints(max_length=MAX_TAG, pattern=r"^[A-Za-z]{1,8}([_-][A-Za-z0-9]{1,8})*$")
]


class AccountLine(Body):
    """An account to import. An unknown field is a fault: a misspelt one would be lost silently.

    `id` is reported beside the new id, and never used.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    id: Annotated[int | str | None, BeforeValidator(_given_id)] = None
    email: Email
    username: Annotated[str, StringConstraints(max_length=512)] | None = None
    email_verified: bool = False
    password_hash: Annotated[str, StringConstraints(max_length=1024)] | None = None
    created_at: Annotated[datetime, BeforeValidator(_moment)] | None = None
    disabled: bool = False
    locale: _Tag | None = None
    signup_locale: _Tag | None = None
    roles: Annotated[
        list[Annotated[str, StringConstraints(max_length=MAX_ROLE_NAME)]], Field(max_length=MAX_ROLES)
    ] = Field(default_factory=list)
