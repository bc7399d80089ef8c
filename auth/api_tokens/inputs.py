"""The request bodies about API tokens."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from auth.fields import Label
from utils.languages.text import Text
from utils.permissions import MAX_PERMISSION, is_permission
from utils.web.validation import Body, fault, settings_of

MAX_PERMISSIONS = 100  # of a token


def _well_formed(permission: str) -> str:
    if not is_permission(permission):
        raise fault("permission_invalid", Text("must have the form thing:verb"))
    return permission


def _within_maximum(days: int, info: ValidationInfo) -> int:
    maximum = settings_of(info).api_token_max_days
    if days > maximum:
        raise fault("too_many_days", Text("must be at most {maximum}", maximum=maximum))
    return days


Permission = Annotated[
    str,
    AfterValidator(_well_formed),
    WithJsonSchema({"type": "string", "maxLength": MAX_PERMISSION, "examples": ["reports:read"]}),
]
Days = Annotated[
    int,
    AfterValidator(_within_maximum),
    Field(ge=1, le=365, description="At most API_TOKEN_MAX_DAYS. Without a value 90, or that maximum."),
]


class NewApiToken(Body):
    """`POST /auth/tokens`. The token is the caller's: no field names another account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "backup script", "permissions": ["reports:read"], "expires_in_days": 30}]
        }
    )

    name: Label
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=MAX_PERMISSIONS)]
    expires_in_days: Days | None = None
