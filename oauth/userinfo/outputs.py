"""The answer of userinfo."""

from typing import NotRequired

from typing_extensions import TypedDict


class Claims(TypedDict):
    """The claims of the scopes of the token (OpenID Connect Core, 5.1)."""

    sub: str
    preferred_username: NotRequired[str]
    name: NotRequired[str]
    email: NotRequired[str]
    email_verified: NotRequired[bool]
    roles: NotRequired[list[str]]
