"""The form of the token endpoint, for the API description. `exchange` reads and checks the parameters."""

from pydantic import BaseModel, ConfigDict, JsonValue

_EXAMPLE = {
    "grant_type": "authorization_code",
    "client_id": "wiki",
    "client_secret": "the secret of the client",
    "code": "the code of the redirect",
    "redirect_uri": "https://wiki.example.com/callback",
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
}


class TokenForm(BaseModel):
    """RFC 6749, 4.1.3 and 6; RFC 7636, 4.5; RFC 8707, 2.2. Each parameter once."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict[str, JsonValue](_EXAMPLE)]})

    grant_type: str
    client_id: str = ""
    client_secret: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    refresh_token: str = ""
    scope: str = ""
    resource: str = ""
