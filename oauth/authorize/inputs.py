"""The request bodies about authorization requests."""

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from oauth.authorize.request import MAX_QUERY
from utils.web.validation import Body

QueryText = Annotated[
    str,
    StringConstraints(max_length=MAX_QUERY),
    Field(
        description="The query of the address of `/oauth/authorize`, unchanged, without the question mark.",
        examples=[
            "client_id=grafana&redirect_uri=https%3A%2F%2Fgrafana.example.com%2Flogin&response_type=code"
        ],
    ),
]
Ticket = Annotated[
    str, StringConstraints(max_length=128), Field(description="What `/oauth/authorize` gave for this query.")
]

_EXAMPLE: dict[str, JsonValue] = {
    "query": "client_id=grafana&response_type=code",
    "ticket": "AAAAAAAAAAAAAAGc...",
}

_FORM: dict[str, JsonValue] = {
    "client_id": "grafana",
    "redirect_uri": "https://grafana.example.com/login/generic_oauth",
    "response_type": "code",
    "scope": "openid profile email",
}


class AuthorizationQuestion(Body):
    """`POST /auth/authorizations`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    query: QueryText
    ticket: Ticket
    answered: Annotated[
        bool, Field(description="The person chose to go on with this account, or was at the sign-up page.")
    ] = False


class AuthorizationDecision(Body):
    """`POST /auth/authorizations/decision`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"allow": True}]})

    query: QueryText
    ticket: Ticket
    allow: bool
    scopes: Annotated[
        list[Annotated[str, StringConstraints(max_length=120)]] | None,
        Field(max_length=100, description="Those that the person allows. Without them, all of the request."),
    ] = None


class AuthorizationForm(Body):
    """`POST /oauth/authorize`: the parameters of OpenID Connect Core, 3.1.2.1."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FORM]})

    client_id: str
    redirect_uri: str
    response_type: str
    scope: str
    state: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
