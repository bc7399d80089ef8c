"""What operators and tools ask: is it alive, is it ready, what does the API look like."""

from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field
from typing_extensions import TypedDict

from utils.errors import NotFound, Unavailable
from utils.http import answers
from utils.migrations import schema_is_old
from utils.services import services

ops_bp = Blueprint("ops", __name__)


class Status(TypedDict):
    status: Annotated[str, Field(examples=["ok"])]


class OpenApi(TypedDict):
    openapi: Annotated[str, Field(examples=["3.1.0"])]
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]


@ops_bp.get("/health/live")
@answers(200, Status)
def live() -> Any:
    """Whether the process answers. Asks nothing else."""
    return Status(status="ok")


@ops_bp.get("/health/ready")
@answers(200, Status, errors=("unavailable",))
def ready() -> Any:
    """Whether the database answers and its schema is not behind the code; 503 otherwise."""
    if schema_is_old(services().session().connection()):
        raise Unavailable
    return Status(status="ok")


@ops_bp.get("/openapi.json")
@answers(200, OpenApi, errors=("not_found",))
def openapi() -> Any:
    """The description of this API (OpenAPI 3.1)."""
    if not services().settings.docs_enabled:
        raise NotFound
    return services().describe()
