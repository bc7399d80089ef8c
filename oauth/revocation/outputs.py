"""The answers of revocation and introspection."""

from collections.abc import Mapping
from typing import Any, NotRequired

from typing_extensions import TypedDict


class Revoked(TypedDict):
    """Nothing: the answer is the same for every token (RFC 7009, 2.2)."""


class Introspected(TypedDict):
    """RFC 7662, 2.2. A token that does not count has `active` only."""

    active: bool
    token_type: NotRequired[str]
    iss: NotRequired[str]
    sub: NotRequired[str]
    aud: NotRequired[str]
    client_id: NotRequired[str]
    scope: NotRequired[str]
    gid: NotRequired[str]
    auth_time: NotRequired[int]
    iat: NotRequired[int]
    exp: NotRequired[int]
    jti: NotRequired[str]


def introspected(claims: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"active": False} if claims is None else {"active": True, "token_type": "Bearer", **claims}
