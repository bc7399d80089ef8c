"""Health, metrics and the API description."""

from hmac import compare_digest
from typing import Annotated, Any

from flask import Blueprint, Response, request
from pydantic import Field
from typing_extensions import TypedDict

from config import is_loopback
from utils.auth_helpers import optional_bearer_token
from utils.database.migrations import schema_is_old
from utils.errors import NotFound, TokenInvalid, Unavailable
from utils.services import services
from utils.web.http import answers, limited, peer_address, unlimited

ops_bp = Blueprint("ops", __name__)

# A call from this machine with one of these headers was forwarded for another client.
OF_PROXIES = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")


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
@unlimited("a probe that asks nothing costs nothing")
def live() -> Any:
    """Whether the process answers. Asks nothing else."""
    return Status(status="ok")


@ops_bp.get("/health/ready")
@answers(200, Status, errors=("unavailable",))
@unlimited("probes come often, from one address, and must not be refused")
def ready() -> Any:
    """Whether the database answers and its schema is not behind the code; 503 otherwise."""
    if schema_is_old(services().tx().connection()):
        raise Unavailable
    return Status(status="ok")


@ops_bp.get("/metrics")
@unlimited("Prometheus comes often, from one address; others are turned away")
def metrics() -> Response:
    """Figures for Prometheus: on the machine itself, or with `METRICS_TOKEN` as the bearer."""
    token = services().settings.metrics_token
    if token:
        if not compare_digest((optional_bearer_token() or "").encode(), token.encode()):
            raise TokenInvalid
    elif not is_loopback(peer_address()) or any(name in request.headers for name in OF_PROXIES):
        raise NotFound
    return Response(services().metrics.exposition(), content_type="text/plain; version=1.0.0; charset=utf-8")


@ops_bp.get("/openapi.json")
@answers(200, OpenApi, errors=("not_found",))
@limited("reads")
def openapi() -> Any:
    """The description of this API (OpenAPI 3.1)."""
    if not services().settings.docs_enabled:
        raise NotFound
    return services().describe()
