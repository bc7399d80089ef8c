"""The form of userinfo, for the API description."""

from pydantic import BaseModel, ConfigDict


class BearerForm(BaseModel):
    """RFC 6750, 2.2: the token of a call without the header."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"access_token": "an access token"}]})

    access_token: str = ""
