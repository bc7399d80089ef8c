"""CORS: which other origins may call the API, and with which headers."""

import re
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from flask import Flask, Response, request
from flask_cors import CORS

from config import Settings
from utils.web.http import documentation

P = ParamSpec("P")
R = TypeVar("R")
PREFLIGHT_SECONDS = 600
_PREFIX = "Access-Control-"


def from_any_origin(view: Callable[P, R]) -> Callable[P, R]:
    """Let pages of every origin call this view and read its answers. Decorator for views without cookies."""
    documentation(view).any_origin = True
    return view


_EXPOSED = ["Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"]
_ANY_ORIGIN = {
    f"{_PREFIX}Allow-Origin": "*",
    f"{_PREFIX}Expose-Headers": ", ".join(["WWW-Authenticate", *_EXPOSED]),
}
_ANY_PREFLIGHT = {
    f"{_PREFIX}Allow-Methods": "GET, POST",
    f"{_PREFIX}Allow-Headers": "Authorization, Content-Type",
    f"{_PREFIX}Max-Age": str(PREFLIGHT_SECONDS),
}


def _origin_pattern(origin: str) -> re.Pattern[str]:
    return re.compile(r"[a-z]+://[^/]+" if origin == "*" else re.escape(origin) + r"\Z")


def init_cors(app: Flask, settings: Settings, *, headers: Iterable[str] = ()) -> None:
    """Allow the origins of `CORS_ORIGINS`, without credentials: tokens in headers and bodies, no cookies.

    `headers` are allowed request headers besides `Authorization` and `Content-Type`. Views with
    `from_any_origin` allow every origin.
    """

    def allow_any(response: Response) -> Response:
        view = app.view_functions.get(request.endpoint or "")
        if view is not None and documentation(view).any_origin:
            for name in [name for name, _ in response.headers if name.startswith(_PREFIX)]:
                del response.headers[name]
            response.headers.extend(_ANY_ORIGIN)
            if request.method == "OPTIONS":
                response.headers.extend(_ANY_PREFLIGHT)
        return response

    if not settings.cors_origins:
        views = app.view_functions.items()  # hooks of the whole app cost time at every call
        for name in {name.rpartition(".")[0] for name, view in views if documentation(view).any_origin}:
            app.after_request_funcs.setdefault(name, []).append(allow_any)
        return
    app.after_request(allow_any)  # the first one that is registered runs last

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
