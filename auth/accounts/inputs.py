"""The request bodies about accounts."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from auth.fields import (
    NEW_PASSWORD_REFUSALS,
    ChallengeResponse,
    Cursor,
    Email,
    Locale,
    NewPassword,
    NextAddress,
    Username,
)
from utils.languages.text import Text
from utils.web.validation import Body, Query


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
    missing_message: ClassVar[str] = Text("Missing username, email, or password")
    refusals = NEW_PASSWORD_REFUSALS

    username: Username | None = None
    username_from_email: bool = Field(default=False, description="Ask for a free name made from the address.")
    email: Email
    password: NewPassword
    terms_accepted: bool = Field(default=False, description="Kept with the time and TERMS_VERSION.")
    challenge_response: ChallengeResponse | None = None
    token_delivery: Literal["body", "cookie"] = Field(
        default="body",
        description="`cookie`: confirming the address in this browser within an hour logs in.",
    )
    next: NextAddress | None = None

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        named = "username" in data or data.get("username_from_email") is True
        return [*([] if named else ["username"]), *super().missing(data)]


class Profile(Body):
    """`PATCH /auth/me`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "lovelace"}, {"locale": "de"}]})
    nullable = frozenset({"locale"})

    username: Username | None = None
    locale: Locale | None = Field(default=None, description="Null: ask the browser.")


class Page(Query):
    """`GET /auth/me/activity`."""

    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
