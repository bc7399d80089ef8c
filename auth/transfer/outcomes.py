"""What became of a line of an import."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """The states of a line."""

    CREATED = "created"
    EXISTS = "exists"  # an account has the address
    REFUSED = "refused"


class Fault(StrEnum):
    """Why a line was refused."""

    JSON_INVALID = "json_invalid"
    LINE_TOO_LONG = "line_too_long"
    MISSING_FIELDS = "missing_fields"
    VALIDATION_FAILED = "validation_failed"
    HASH_UNKNOWN = "hash_unknown"
    HASH_WEAK = "hash_weak"
    HASH_TOO_COSTLY = "hash_too_costly"
    HASH_KEY_MISSING = "hash_key_missing"
    ROLE_NOT_FOUND = "role_not_found"
    ROLE_REFUSED = "role_refused"
    EMAIL_TAKEN = "email_taken"
    UNCONFIRMED_ACCOUNT = "unconfirmed_account"
    ACCOUNT_TAKEN = "account_taken"


class Note(StrEnum):
    """What differs between a line and its new account."""

    USERNAME_CHANGED = "username_changed"
    WITHOUT_PASSWORD = "without_password"
    WITHOUT_LANGUAGE = "without_language"


class Outcome(NamedTuple):
    """What became of a line. `given_id` is the id in the file, `user_id` that of the account here."""

    line: int
    state: State
    given_id: int | str | None = None
    user_id: int | None = None
    username: str | None = None
    notes: tuple[Note, ...] = ()
    fault: Fault | None = None
    fields: Mapping[str, str] = {}


class LineRefused(Exception):
    """A line that is not imported: its fault, and the faulty fields."""

    def __init__(self, fault: Fault, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(fault)
        self.fault, self.fields = fault, fields or {}
