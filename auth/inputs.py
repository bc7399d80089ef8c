"""One pydantic model per request body: what may be sent, and what is wrong with it otherwise."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, SecretStr, StringConstraints, TypeAdapter, ValidationError

from auth.fields import Code, Cursor, Email, Label, NewPassword, Password, Token, Username
from utils.identifiers import MAX_EMAIL, MAX_USERNAME
from utils.validation import Body, Query

_NEW_PASSWORD: TypeAdapter[SecretStr] = TypeAdapter(NewPassword)


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
    """`POST /auth/reauth`: the password, a code of the authenticator app, or a passkey."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"password": "correct horse battery"}, {"code": "287082"}]}
    )

    password: Password | None = None
    code: Code | None = None
    passkey: dict[str, Any] | None = None

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        return [] if data.keys() & {"password", "code", "passkey"} else ["password"]


class NewPasskey(Body):
    """`POST /auth/passkeys`: what `navigator.credentials.create` gave, as JSON."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"credential": {"id": "..."}, "name": "Phone"}]}
    )

    credential: dict[str, Any]
    name: Label = "Passkey"
    end_other_sessions: bool = True


class PasskeyName(Body):
    """`PATCH /auth/passkeys/<id>`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Phone"}]})

    name: Label


class PasskeyLogin(Body):
    """`POST /auth/login/passkey`: what `navigator.credentials.get` gave, as JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"credential": {"id": "..."}}]})

    credential: dict[str, Any]
    remember: bool = False
    token_delivery: Literal["body", "cookie"] = "body"


class Confirmation(Body):
    """`POST /auth/totp/confirm`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "287082"}]})

    code: Code
    end_other_sessions: bool = True


class SecondFactor(Body):
    """`DELETE /auth/totp`, `POST /auth/recovery-codes`: a code, a recovery code, or a passkey in its place.

    A passkey answers what `POST /auth/reauth/options` gave.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "287082"}, {"recovery_code": "mfrg-gzdf-mztw-q2lk-nnwg-23tp"}]
        }
    )

    code: Code | None = None
    recovery_code: Code | None = None
    passkey: dict[str, Any] | None = None

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        return [] if data.keys() & {"code", "recovery_code", "passkey"} else ["code"]


class SecondStep(SecondFactor):
    """`POST /auth/login/second-factor`: what the first step answered, unless that is in the cookie."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"challenge_token": "b3BlbiBzZXNhbWU...", "code": "287082"}]}
    )

    challenge_token: Token | None = None
    trust_device: bool = False


class Profile(Body):
    """`PATCH /auth/me`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "lovelace"}]})

    username: Username | None = None


class Page(Query):
    """`GET /auth/me/activity`."""

    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
