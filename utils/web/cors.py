"""CORS: which other origins may call the API, and with which headers."""

import re
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from flask import Flask, Response
from flask_cors import CORS

from config import Settings
from utils.web.http import documentation
from utils.web.layer import Headers, RequestLayer

P = ParamSpec("P")
R = TypeVar("R")
PREFLIGHT_SECONDS = 600
_PREFIX = "Access-Control-"


def from_any_origin(view: Callable[P, R]) -> Callable[P, R]:
    """Let pages of every origin call this view and read its answers. Decorator for views without cookies."""
    documentation(view).any_origin = True
    return view


_EXPOSED = ["Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"]
_ANY_ORIGIN = [
    (f"{_PREFIX}Allow-Origin", "*"),
    (f"{_PREFIX}Expose-Headers", ", ".join(["WWW-Authenticate", *_EXPOSED])),
]
_ANY_PREFLIGHT = [
    *_ANY_ORIGIN,
    (f"{_PREFIX}Allow-Methods", "GET, POST"),
    (f"{_PREFIX}Allow-Headers", "Authorization, Content-Type"),
    (f"{_PREFIX}Max-Age", str(PREFLIGHT_SECONDS)),
]


def _allow_any(method: str, headers: Headers) -> Headers:
    """Return the headers of a response for every origin, instead of those for `CORS_ORIGINS`."""
    added = _ANY_PREFLIGHT if method == "OPTIONS" else _ANY_ORIGIN
    return [*(header for header in headers if not header[0].startswith(_PREFIX)), *added]


def _origin_pattern(origin: str) -> re.Pattern[str]:
    return re.compile(r"[a-z]+://[^/]+" if origin == "*" else re.escape(origin) + r"\Z")


def init_cors(app: Flask, layer: RequestLayer, settings: Settings, *, headers: Iterable[str] = ()) -> None:
    """Allow the origins of `CORS_ORIGINS`, without credentials: tokens in headers and bodies, no cookies.

    `headers` are allowed request headers besides `Authorization` and `Content-Type`. Views with
    `from_any_origin` allow every origin.
    """

    views = app.view_functions.items()
    # In the layer, as a hook of Flask takes a tenth of such a call.
    layer.revise([name for name, view in views if documentation(view).any_origin], _allow_any)
    if not settings.cors_origins:
        return

    @app.after_request
    def add_vary(response: Response) -> Response:
        # Also without an Origin: a cache could serve that response to a request with one.
        response.vary.add("Origin")
        response.headers.pop("Access-Control-Allow-Private-Network", None)
        return response

    CORS(
        app,
        # Patterns: flask-cors compares strings ignoring case, and takes some for patterns.
        origins=[_origin_pattern(origin) for origin in settings.cors_origins],
        methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", *headers],
        expose_headers=_EXPOSED,
        supports_credentials=False,
        allow_private_network=False,
        max_age=PREFLIGHT_SECONDS,
        vary_header=False,  # see above
    )
