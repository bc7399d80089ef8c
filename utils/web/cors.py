"""CORS: which other origins may call the API, and with which headers."""

import re
from collections.abc import Iterable

from flask import Flask, Response
from flask_cors import CORS

from config import Settings

PREFLIGHT_SECONDS = 600


def _origin_pattern(origin: str) -> re.Pattern[str]:
    return re.compile(r"[a-z]+://[^/]+" if origin == "*" else re.escape(origin) + r"\Z")


def init_cors(app: Flask, settings: Settings, *, headers: Iterable[str] = ()) -> None:
    """Allow the origins of `CORS_ORIGINS`, without credentials: tokens in headers and bodies, no cookies.

    `headers` are allowed request headers besides `Authorization` and `Content-Type`.
    """
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
        expose_headers=["Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"],
        supports_credentials=False,
        allow_private_network=False,
        max_age=PREFLIGHT_SECONDS,
        vary_header=False,  # see above
    )
