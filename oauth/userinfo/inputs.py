"""The form of userinfo, for the API description."""

from typing import NotRequired

from typing_extensions import TypedDict


class BearerForm(TypedDict):
    """RFC 6750, 2.2: the token of a call without the header."""

    access_token: NotRequired[str]
