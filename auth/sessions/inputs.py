"""The request bodies about sessions."""

from pydantic import ConfigDict

from auth.fields import Token
from utils.web.validation import Body


class RefreshToken(Body):
    """`POST /auth/refresh` and `/auth/logout`: the token, unless it comes as the cookie."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "AQ..."}]})

    refresh_token: Token | None = None
