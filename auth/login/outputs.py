"""The answers to a login."""

from typing import Annotated, Any, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth import cookies
from auth.outputs import UserFields, user
from auth.sessions import outputs
from auth.tokens import TokenPair
from models import Account


class SignedIn(outputs.Tokens):
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


class AccessToken(TypedDict):
    access_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIs..."])]
    token_type: Annotated[str, Field(examples=["Bearer"])]
    expires_in: Annotated[int, Field(description="Seconds.", examples=[3600])]


def signed_in(found: Account, pair: TokenPair, *, device_mark: str | None = None) -> SignedIn:
    """The answer to a sign-in; without a mark, that and the refresh token travel as cookies."""
    by_body = device_mark is not None
    answer: dict[str, Any] = {
        "message": "Login successful",
        **outputs.tokens(pair, in_body=by_body),
        **user(found),
    }
    if pair.is_setting_up:
        answer["second_factor_setup_required"] = True
    return cast(SignedIn, answer | ({"device_token": device_mark} if by_body else {}))


def session_begun(found: Account, pair: TokenPair, device_mark: str, *, by_cookie: bool) -> SignedIn:
    """The answer to a completed sign-in, with its cookies set where that is how they travel."""
    if not by_cookie:
        return signed_in(found, pair, device_mark=device_mark)
    cookies.deliver_refresh_cookie(pair.refresh_token, pair.keep_until)
    cookies.deliver_device_cookie(device_mark)
    return signed_in(found, pair)


def access_token(text: str, expires_in: int) -> AccessToken:
    return {"access_token": text, "token_type": "Bearer", "expires_in": expires_in}
