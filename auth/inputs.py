"""One pydantic model per request body: what may be sent, and what is wrong with it otherwise."""

import unicodedata
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from utils.blocklist import is_common
from utils.cursors import read_cursor
from utils.identifiers import MAX_EMAIL, MAX_USERNAME, is_reserved, normal_email, shown_username
from utils.validation import Body, Query, settings_of

MAX_PASSWORD = 256  # code points, after NFC
# Longer text is refused before it is normalised, which is slow for hostile text.
MAX_PASSWORD_TEXT = 4 * MAX_PASSWORD
MAX_TOKEN = 512


def _fault(code: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, message)


def _within_maximum(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if len(text) > MAX_PASSWORD_TEXT or len(unicodedata.normalize("NFC", text)) > MAX_PASSWORD:
        raise _fault("password_too_long", f"must be at most {MAX_PASSWORD} characters long")
    return password


def _without_nul_at_its_end(password: SecretStr) -> SecretStr:
    # HMAC cannot tell a password from the same with NULs at its end.
    if password.get_secret_value().endswith("\0"):
        raise _fault("password_invalid", "must not end in a NUL character")
    return password


def _long_enough(password: SecretStr, info: ValidationInfo) -> SecretStr:
    minimum = settings_of(info).password_min_length
    if len(unicodedata.normalize("NFC", password.get_secret_value())) < minimum:
        raise _fault("password_too_short", f"must be at least {minimum} characters long")
    return password


def _not_common(password: SecretStr, info: ValidationInfo) -> SecretStr:
    if settings_of(info).password_blocklist and is_common(password.get_secret_value()):
        raise _fault("password_too_common", "is on a list of passwords that attackers try first")
    return password


def _chosen_username(name: str, info: ValidationInfo) -> str:
    try:
        shown = shown_username(name)
    except ValueError as problem:
        raise _fault("username_invalid", str(problem)) from None
    if is_reserved(shown, settings_of(info).brand_name):
        raise _fault("username_reserved", "is a reserved word")
    return shown


def _address(text: str) -> str:
    try:
        return normal_email(text)
    except ValueError as problem:
        raise _fault("email_invalid", str(problem)) from None


Password = Annotated[
    SecretStr,
    AfterValidator(_within_maximum),
    WithJsonSchema({"type": "string", "format": "password", "maxLength": MAX_PASSWORD, "writeOnly": True}),
]
NewPassword = Annotated[
    SecretStr,
    AfterValidator(_within_maximum),
    AfterValidator(_without_nul_at_its_end),
    AfterValidator(_long_enough),
    AfterValidator(_not_common),
    WithJsonSchema(
        {
            "type": "string",
            "format": "password",
            "minLength": 8,
            "maxLength": MAX_PASSWORD,
            "writeOnly": True,
            "description": "At least PASSWORD_MIN_LENGTH code points. Taken as it is, but for NFC.",
        }
    ),
]
_NEW_PASSWORD: TypeAdapter[SecretStr] = TypeAdapter(NewPassword)
Username = Annotated[
    str,
    AfterValidator(_chosen_username),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_USERNAME,
            "description": "Letters and digits of one script, '.', '_' and '-'; no reserved word.",
        }
    ),
]
Email = Annotated[
    str,
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL}),
]
Token = Annotated[str, StringConstraints(max_length=MAX_TOKEN)]


class Registration(Body):
    """`POST /auth/register`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"},
                {
                    "username_from_email": True,
                    "email": "ada@example.com",
                    "password": "correct horse battery",
                },
            ]
        }
    )
    missing_message: ClassVar[str] = "Missing username, email, or password"

    username: Username | None = None
    username_from_email: bool = Field(default=False, description="Ask for a free name made from the address.")
    email: Email
    password: NewPassword
    terms_accepted: bool = Field(default=False, description="Kept with the time and TERMS_VERSION.")

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        named = "username" in data or data.get("username_from_email") is True
        return [*([] if named else ["username"]), *super().missing(data)]


class Credentials(Body):
    """`POST /auth/login`. `username` may hold an address too; of both, `username` is used."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "ada", "password": "correct horse battery"}]}
    )
    missing_message: ClassVar[str] = "Missing username or password"

    username: str | None = None
    email: str | None = None
    password: Password
    remember: bool = False
    token_delivery: Literal["body", "cookie"] = "body"

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        named = "username" in data or "email" in data
        return [*([] if named else ["username"]), *super().missing(data)]

    @property
    def login(self) -> str:
        """The name or address that was given."""
        return self.username or self.email or ""


class RefreshToken(Body):
    """`POST /auth/refresh` and `/auth/logout`: the token, unless it comes as the cookie."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "AQ..."}]})

    refresh_token: Token | None = None


def _cursor(text: str) -> str:
    try:
        read_cursor(text)
    except ValueError:
        raise _fault("cursor_invalid", "is not one that was given out") from None
    return text


class Address(Body):
    """`POST /auth/password/forgot`, `/auth/email/resend` and `/auth/email/change`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com"}]})

    email: Email


LINK_REFUSALS = ("token_unknown", "token_expired", "token_used")


class Link(Body):
    """The token of a mailed link; a call that takes one may answer one of `LINK_REFUSALS`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU..."}]})

    token: Token


class Verification(Link):
    """`POST /auth/email/verify`: the password too, unless a session of the account is calling."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU...", "password": "correct horse battery"}]}
    )

    password: Password | None = None


class PasswordReset(Link):
    """`POST /auth/password/reset`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU...", "password": "a new and long one"}]}
    )

    password: NewPassword


class PasswordChange(Body):
    """`POST /auth/password/change`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "correct horse battery", "new_password": "a new and long one"}]
        }
    )

    current_password: Password
    new_password: NewPassword
    end_other_sessions: bool = True


class StrengthQuestion(Body):
    """`POST /auth/password/strength`: name and address as far as they are typed, so of any form."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"password": "correct horse battery", "email": "ada@example.com"}],
        }
    )

    password: Password
    username: Annotated[str, StringConstraints(max_length=MAX_USERNAME)] | None = None
    email: Annotated[str, StringConstraints(max_length=MAX_EMAIL)] | None = None

    def fits(self, settings: Any) -> bool:
        """Whether the password could be a new one, as far as its length and the block-list go."""
        try:
            _NEW_PASSWORD.validate_python(self.password, context=settings)
        except ValidationError:
            return False
        return True


class Proof(Body):
    """`POST /auth/reauth`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "correct horse battery"}]})

    password: Password


class Profile(Body):
    """`PATCH /auth/me`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "lovelace"}]})

    username: Username | None = None


class Page(Query):
    """`GET /auth/me/activity`."""

    cursor: Annotated[str, StringConstraints(max_length=64), AfterValidator(_cursor)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
