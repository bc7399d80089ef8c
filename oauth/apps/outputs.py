"""The answers about the apps of an account."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.outputs import Moment, optional_moment
from models import iso
from oauth.apps.listing import App


class AppScope(TypedDict):
    name: Annotated[str, Field(examples=["orders:read"])]
    words: Annotated[
        str | None,
        Field(
            description="What the app may do. None for standard scopes.",
            examples=["Read your orders"],
        ),
    ]


class AppFields(TypedDict):
    client_id: Annotated[str, Field(examples=["grafana"])]
    name: Annotated[str, Field(examples=["Grafana"])]
    host: Annotated[
        str | None,
        Field(description="None for an app on the person's own device.", examples=["grafana.example.com"]),
    ]
    scopes: list[AppScope]
    resources: Annotated[list[str], Field(description="The names of the resources that it may call.")]
    allowed_at: Moment
    last_used_at: Annotated[Moment | None, Field(description="None while it has no living access.")]
    ip_address: Annotated[str | None, Field(description="Of the last use.", examples=["203.0.113.7"])]
    works_without_you: Annotated[
        bool, Field(description="It has access beyond a session (`offline_access`).", examples=[False])
    ]


class Apps(TypedDict):
    apps: list[AppFields]


def apps(found: Iterable[App]) -> Apps:
    return {"apps": [fields(app) for app in found]}


def fields(app: App) -> AppFields:
    return {
        "client_id": app.client_id,
        "name": app.name,
        "host": app.host,
        "scopes": [{"name": each.name, "words": each.words} for each in app.scopes],
        "resources": list(app.resources),
        "allowed_at": iso(app.since),
        "last_used_at": optional_moment(app.last_used_at),
        "ip_address": app.ip_address,
        "works_without_you": app.works_without_you,
    }


def for_operators(app: App) -> dict[str, Any]:
    """As the owner sees it, with the names of the scopes alone."""
    return {**fields(app), "scopes": [each.name for each in app.scopes]}
