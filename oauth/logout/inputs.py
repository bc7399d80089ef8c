"""The request bodies of logout by an application."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from oauth.logout.request import MAX_QUERY
from utils.web.validation import Body


class LogoutQuestion(Body):
    """`POST /auth/authorizations/logout`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "client_id=grafana", "confirmed": True}]}
    )

    query: Annotated[
        str,
        StringConstraints(max_length=MAX_QUERY),
        Field(
            description="The query of the address of `/oauth/logout`, unchanged, without the question mark.",
            examples=["client_id=grafana&post_logout_redirect_uri=https%3A%2F%2Fgrafana.example.com%2Flogin"],
        ),
    ] = ""
    confirmed: Annotated[bool, Field(description="The person pressed the button of the page.")] = False


class LogoutForm(Body):
    """`POST /oauth/logout`: the parameters of RP-Initiated Logout, 2."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"client_id": "grafana"}]})

    id_token_hint: str | None = None
    client_id: str | None = None
    post_logout_redirect_uri: str | None = None
    state: str | None = None
