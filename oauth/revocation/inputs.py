"""The form of revocation and introspection, for the API description."""

from typing import NotRequired

from typing_extensions import TypedDict


class OneToken(TypedDict):
    """RFC 7009, 2.1; RFC 7662, 2.1. Each parameter once. `token_type_hint` is not needed."""

    token: str
    token_type_hint: NotRequired[str]
    client_id: NotRequired[str]
    client_secret: NotRequired[str]
