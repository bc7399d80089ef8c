"""One function per answer; nothing leaves except through here. The types are the published schemas."""

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, cast
from urllib.parse import quote

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.tokens import TokenPair
from models import Account, iso, public_fields
from utils import cookies
from utils.strength import Strength as ScoredPassword

Moment = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-23T14:00:00.000000Z"])
]


class UserFields(TypedDict):
    id: Annotated[int, Field(examples=[1])]
    username: Annotated[str, Field(examples=["ada"])]
    email: Annotated[str, Field(examples=["ada@example.com"])]
    email_verified: Annotated[bool, Field(examples=[False])]
    created_at: Moment
    two_factor_enabled: Annotated[bool, Field(examples=[False])]


class OneUser(TypedDict):
    user: UserFields


class Me(OneUser):
    second_factor_setup_required: Annotated[
        bool, Field(description="Whether nothing else is open until then.", examples=[False])
    ]
    two_factor_since: Annotated[Moment | None, Field(description="Since when a password is not enough.")]
    recovery_codes_left: Annotated[int, Field(description="Those that were not used.", examples=[0])]
    factors_reset_at: Annotated[
        Moment | None, Field(description="When an operator's removal of all second factors takes effect.")
    ]
    has_password: Annotated[bool, Field(description="Whether a passkey is not the only way in.")]
    auth_time: Annotated[
        Moment | None,
        Field(description="When the session's owner last proved who they are; null without a session."),
    ]


class Registered(OneUser):
    message: Annotated[str, Field(examples=["User registered successfully"])]


class Tokens(TypedDict):
    access_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIs..."])]
    token_type: Annotated[str, Field(examples=["Bearer"])]
    expires_in: Annotated[int, Field(description="Seconds.", examples=[3600])]
    refresh_token: NotRequired[
        Annotated[str, Field(description="Absent when it is in the cookie.", examples=["AQnXkW3..."])]
    ]


class SignedIn(Tokens):
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


class Message(TypedDict):
    message: Annotated[str, Field(description="For people.", examples=["The address is confirmed."])]


class LinkStatus(TypedDict):
    status: Annotated[str, Field(examples=["valid"])]
    email: Annotated[str, Field(description="The address it was mailed to.", examples=["ada@example.com"])]


class VerificationStatus(LinkStatus):
    purpose: Annotated[
        Literal["verify", "email_change"],
        Field(
            description="To confirm the account's address, or to move the account to another.",
            examples=["verify"],
        ),
    ]
    confirmed: Annotated[bool, Field(description="Whether the account has this address confirmed already.")]


class Strength(TypedDict):
    score: Annotated[int, Field(ge=0, le=4, description="0: guessed at once. 4: hard.", examples=[4])]
    warning: Annotated[str | None, Field(description="What makes it weak.", examples=["text"])]
    suggestions: Annotated[list[str], Field(description="What would make it better.", examples=[[]])]
    acceptable: Annotated[bool, Field(description="Whether register would take it.", examples=[True])]


class Leaving(Message):
    erase_at: Moment


def user(found: Account) -> OneUser:
    return {"user": cast(UserFields, public_fields(found))}


def me(found: Account, auth_time: datetime | None, *, is_setting_up: bool) -> Me:
    return {
        **user(found),
        "second_factor_setup_required": is_setting_up,
        "two_factor_since": iso(found.two_factor_at) if found.two_factor_at else None,
        "recovery_codes_left": found.recovery_codes_left,
        "factors_reset_at": iso(found.factors_reset_due_at) if found.factors_reset_due_at else None,
        "has_password": found.password_hash is not None,
        "auth_time": iso(auth_time) if auth_time else None,
    }


def registered(found: Account) -> Registered:
    return {"message": "User registered successfully", **user(found)}


def tokens(pair: TokenPair, *, in_body: bool) -> Tokens:
    """The pair; without its refresh token where that travels as a cookie."""
    answer: Tokens = {
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
    }
    if in_body:
        answer["refresh_token"] = pair.refresh_token
    return answer


def signed_in(found: Account, pair: TokenPair, *, device_mark: str | None = None) -> SignedIn:
    """The answer to a sign-in; without a mark, that and the refresh token travel as cookies."""
    by_body = device_mark is not None
    answer: dict[str, Any] = {"message": "Login successful", **tokens(pair, in_body=by_body), **user(found)}
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


# What people read after a call that has nothing else to tell.
_MESSAGES = {
    "register": "Check your mailbox: we have sent a message to this address.",
    "verify": "The address is confirmed.",
    "resend": "If this address waits to be confirmed, we have sent a link to it.",
    "reject": "The account has been erased.",
    "change_email": "Check the mailbox of the new address: we have sent a message to it.",
    "undo": "The address is yours again. We have sent a link for a new password to it.",
    "forgot": "If there is an account for this address, we have sent a link to it.",
    "reset": "The password has been changed. Log in with the new one.",
    "remove_totp": "Authenticator codes are off.",
    "change_password": "The password has been changed.",
    "remove_password": "The password has been removed. A passkey opens the account.",
    "stop_factors_reset": "Your second factors stay.",
    "restore": "The account stays. Log in as usual.",
    "disown": "Every session has been ended. We have sent a link for a new password.",
    "leave": "The account is closed. Until it is erased, the link that we have sent keeps it.",
}


def message(after: str) -> Message:
    return {"message": _MESSAGES[after]}


def leaving(erase_at: datetime) -> Leaving:
    return {**message("leave"), "erase_at": iso(erase_at)}


def valid_link(email: str) -> LinkStatus:
    return {"status": "valid", "email": email}


def verification(purpose: str, email: str, confirmed: bool) -> VerificationStatus:
    is_change = purpose == "email_change"
    return {**valid_link(email), "purpose": "email_change" if is_change else "verify", "confirmed": confirmed}


def strength(found: ScoredPassword, acceptable: bool) -> Strength:
    return {
        "score": found.score,
        "warning": found.warning,
        "suggestions": found.suggestions,
        "acceptable": acceptable,
    }


def verified(found: Account) -> dict[str, str]:
    """Whose the token is, as headers: a proxy passes those on and reads no body."""
    return {"X-Auth-User-Id": str(found.id), "X-Auth-Username": quote(found.username, safe="")}
