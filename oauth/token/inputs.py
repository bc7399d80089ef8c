"""The form of the token endpoint, for the API description. `exchange` reads and checks the parameters."""

from typing import NotRequired

from typing_extensions import TypedDict


class TokenForm(TypedDict):
    """RFC 6749, 4.1.3 and 6; RFC 7636, 4.5; RFC 8707, 2.2. Each parameter once."""

    grant_type: str
    client_id: NotRequired[str]
    client_secret: NotRequired[str]
    code: NotRequired[str]
    redirect_uri: NotRequired[str]
    code_verifier: NotRequired[str]
    refresh_token: NotRequired[str]
    scope: NotRequired[str]
    resource: NotRequired[str]
