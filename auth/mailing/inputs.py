"""The body of every call that takes a mailed link."""

from pydantic import ConfigDict

from auth.fields import Token
from utils.web.validation import Body

LINK_REFUSALS = ("token_unknown", "token_expired", "token_used")


class Link(Body):
    """The token of a mailed link; a call that takes one may answer one of `LINK_REFUSALS`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU..."}]})

    token: Token


class OwnersLink(Link):
    """A mailed link, and the refresh token of a session that has used the account before, if there is one."""

    refresh_token: Token | None = None
