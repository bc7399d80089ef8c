"""The answer of the token endpoint (RFC 6749, 5.1)."""

from typing import NotRequired

from typing_extensions import TypedDict

from oauth.token.issuing import Issued


class ClientTokens(TypedDict):
    """`expires_in` is in seconds. There is an ID token if `openid` was granted."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str
    id_token: NotRequired[str]


def tokens(issued: Issued) -> ClientTokens:
    answer: ClientTokens = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": " ".join(issued.scopes),
        "refresh_token": issued.refresh_token,
    }
    if issued.id_token is not None:
        answer["id_token"] = issued.id_token
    return answer
