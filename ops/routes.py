"""Health, metrics and the API description."""

from hmac import compare_digest
from typing import Annotated, Any

from flask import Blueprint, Response, request
from pydantic import Field
from typing_extensions import TypedDict

from config import is_loopback
from utils.auth_helpers import optional_bearer_token
from utils.errors import NotFound, TokenInvalid, Unavailable
from utils.services import services
from utils.web.http import answers, limited, peer_address, unlimited

ops_bp = Blueprint("ops", __name__)

# A request from a loopback address with one of these headers was forwarded for another client.
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")


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
@unlimited("the probe reads nothing and costs nothing")
def live() -> Any:
    """Return 200 if the process is running. Checks nothing else."""
    return Status(status="ok")


@ops_bp.get("/health/ready")
@answers(200, Status, errors=("unavailable",))
@unlimited("probes are frequent, come from one address and must not be refused")
def ready() -> Any:
    """Return 200 if the database answers within 2 s and has all migrations of this release, else 503."""
    if not services().readiness.ask():
        raise Unavailable
    return Status(status="ok")


@ops_bp.get("/metrics")
@unlimited("scrapes are frequent and come from one address; other clients are refused")
def metrics() -> Response:
    """Return the Prometheus metrics to the bearer of `METRICS_TOKEN`; without one, to loopback clients."""
    token = services().settings.metrics_token
    if token:
        if not compare_digest((optional_bearer_token() or "").encode(), token.encode()):
            raise TokenInvalid
    elif not is_loopback(peer_address()) or any(name in request.headers for name in _proxy_headers()):
        raise NotFound
    services().counting.wake()  # for the next scrape
    return Response(services().metrics.exposition(), content_type="text/plain; version=1.0.0; charset=utf-8")


def _proxy_headers() -> tuple[str, ...]:
    return (*PROXY_HEADERS, services().settings.client_address_header)


@ops_bp.get("/openapi.json")
@answers(200, OpenApi, errors=("not_found",))
@limited("reads")
def openapi() -> Any:
    """Return the description of this API (OpenAPI 3.1)."""
    if not services().settings.docs_enabled:
        raise NotFound
    return services().describe()
