"""The form of revocation and introspection, for the API description."""

from pydantic import BaseModel, ConfigDict, JsonValue

_EXAMPLE = {"token": "a token", "client_id": "wiki", "client_secret": "the secret of the client"}


class OneToken(BaseModel):
    """RFC 7009, 2.1; RFC 7662, 2.1. Each parameter once. `token_type_hint` is not needed."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict[str, JsonValue](_EXAMPLE)]})

    token: str
    token_type_hint: str = ""
    client_id: str = ""
    client_secret: str = ""
