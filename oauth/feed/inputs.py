"""The query of the revocation feed."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, StringConstraints

from oauth.feed import cursors
from utils.web.validation import Query


def _read(text: str) -> str:
    cursors.read(text)
    return text


class FeedQuery(Query):
    """`GET /oauth/revocations`. `after` is the `cursor` of the last answer, or left out at first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"after": "AQAABkwHxyjQAAAAAAAAAAAA"}]})

    after: Annotated[str, StringConstraints(max_length=cursors.MAX_TEXT), AfterValidator(_read)] | None = None
