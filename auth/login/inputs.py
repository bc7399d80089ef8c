"""The request bodies about logins."""

from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from auth.factors import inputs
from auth.fields import Code, Password, Token
from auth.mailing.inputs import Link
from utils.languages.text import Text
from utils.web.validation import Body


class Credentials(Body):
    """`POST /auth/login`. `username` may hold an address too; of both, `username` is used."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "ada", "password": "correct horse battery"}]}
    )
    missing_message: ClassVar[str] = Text("Missing username or password")

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


class PasskeyLogin(Body):
    """`POST /auth/login/passkey`: what `navigator.credentials.get` gave, as JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"credential": {"id": "..."}}]})

    credential: dict[str, Any]
    remember: bool = False
    token_delivery: Literal["body", "cookie"] = "body"


class SecondStep(inputs.SecondFactor):
    """`POST /auth/login/second-factor`: what the first step answered, unless that is in the cookie."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"challenge_token": "b3BlbiBzZXNhbWU...", "code": "287082"}]}
    )

    challenge_token: Token | None = None
    trust_device: bool = False


class Verification(Link):
    """`POST /auth/email/verify`: the password too, unless a session of the account is calling."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU...", "password": "correct horse battery"}]}
    )

    password: Password | None = None
    token_delivery: Literal["body", "cookie"] | None = Field(
        default=None,
        description="Log in with the confirmation of a sign-up, and deliver the tokens in this way.",
    )
