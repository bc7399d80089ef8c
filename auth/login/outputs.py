"""The answers to a login."""

from typing import Annotated, Any, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.outputs import Message, UserFields, message, user
from auth.sessions import outputs
from auth.tokens import TokenPair
from models import Account
from utils.languages.text import Text
from utils.web.localized import localized


class LoggedIn(outputs.Tokens):
    message: Annotated[str, Field(examples=["Login successful"])]
    user: UserFields
    second_factor_setup_required: NotRequired[
        Annotated[
            bool,
            Field(description="True, where one must be set up first.", examples=[True]),
        ]
    ]
    device_token: NotRequired[
        Annotated[
            str,
            Field(
                description="For X-Device-Token at later sign-ins. Absent when it is in the cookie.",
                examples=["mYx2..."],
            ),
        ]
    ]


class Confirmed(Message):
    """The confirmation, and all of `LoggedIn` if it logged in."""

    access_token: NotRequired[Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIs..."])]]
    token_type: NotRequired[Annotated[str, Field(examples=["Bearer"])]]
    expires_in: NotRequired[Annotated[int, Field(description="Seconds.", examples=[3600])]]
    refresh_token: NotRequired[Annotated[str, Field(description="Absent when it is in the cookie.")]]
    device_token: NotRequired[Annotated[str, Field(description="Absent when it is in the cookie.")]]
    user: NotRequired[UserFields]
    second_factor_setup_required: NotRequired[
        Annotated[bool, Field(description="True, where one must be set up first.", examples=[True])]
    ]
    next: NotRequired[
        Annotated[
            str,
            Field(description="The `next` of the sign-up, if it is a return address.", examples=["/cart"]),
        ]
    ]


class AccessToken(TypedDict):
    access_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIs..."])]
    token_type: Annotated[str, Field(examples=["Bearer"])]
    expires_in: Annotated[int, Field(description="Seconds.", examples=[3600])]


def logged_in(found: Account, pair: TokenPair, device_token: str, *, in_body: bool) -> LoggedIn:
    """The answer to a completed login; without refresh and device token where cookies deliver them."""
    answer: dict[str, Any] = {
        "message": localized(Text("Login successful")),
        **outputs.tokens(pair, in_body=in_body),
        **user(found),
    }
    if pair.enrollment_only:
        answer["second_factor_setup_required"] = True
    return cast(LoggedIn, answer | ({"device_token": device_token} if in_body else {}))


def confirmed(login: LoggedIn | None, next_address: str) -> Confirmed:
    """The answer to a confirmation, with the login that it was."""
    after = {"next": next_address} if next_address else {}
    return cast(Confirmed, {**(login or {}), **message("verify"), **after})


def access_token(text: str, expires_in: int) -> AccessToken:
    return {"access_token": text, "token_type": "Bearer", "expires_in": expires_in}
