"""The query of the revocation feed."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, StringConstraints

from utils.web.cursors import read_cursor
from utils.web.validation import Query


def _read(text: str) -> str:
    read_cursor(text)
    return text


class FeedQuery(Query):
    """`GET /oauth/revocations`. `after` is the `cursor` of the last answer, or left out at first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"after": "AAABnCBw8QAA"}]})

    after: Annotated[str, StringConstraints(max_length=16), AfterValidator(_read)] | None = None
