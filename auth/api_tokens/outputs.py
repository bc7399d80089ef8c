"""The answers about API tokens."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.api_tokens.lifecycle import Created, Owned
from auth.outputs import Moment
from models import ApiToken, iso
from utils.crypto.api_tokens import PREFIX


class ApiTokenFields(TypedDict):
    id: Annotated[
        str, Field(json_schema_extra={"format": "uuid"}, examples=["0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11"])
    ]
    name: Annotated[str, Field(examples=["backup script"])]
    permissions: Annotated[
        list[str],
        Field(
            description="Those that it was made with. They count while its owner has them.",
            examples=[["reports:read"]],
        ),
    ]
    shown: Annotated[
        str, Field(description="Its beginning and its last characters.", examples=["auth_pat_…4Rk9"])
    ]
    created_at: Moment
    expires_at: Moment
    last_used_at: Annotated[Moment | None, Field(description="Exact to ten minutes.")]


class ApiTokens(TypedDict):
    tokens: list[ApiTokenFields]
    permissions: Annotated[
        list[str], Field(description="Those that a new token can have.", examples=[["reports:read"]])
    ]


class CreatedApiToken(TypedDict):
    api_token: ApiTokenFields
    token: Annotated[str, Field(description="Shown this once.", examples=["auth_pat_3kTr..."])]


def api_token(row: ApiToken) -> ApiTokenFields:
    return {
        "id": str(row.id),
        "name": row.name,
        "permissions": row.permissions.split(","),
        "shown": f"{PREFIX}…{row.shown}",
        "created_at": iso(row.created_at),
        "expires_at": iso(row.expires_at),
        "last_used_at": iso(row.last_used_at) if row.last_used_at else None,
    }


def api_tokens(owned: Owned) -> ApiTokens:
    return {"tokens": fields(owned.tokens), "permissions": [*owned.offered]}


def fields(rows: Iterable[ApiToken]) -> list[ApiTokenFields]:
    return [api_token(row) for row in rows]


def created(made: Created) -> CreatedApiToken:
    return {"api_token": api_token(made.row), "token": made.text}
