"""Other origins: which pages elsewhere may read our answers, and with what."""

import re
from collections.abc import Iterable

from flask import Flask, Response
from flask_cors import CORS

from config import Settings

PREFLIGHT_SECONDS = 600


def _origin_pattern(origin: str) -> re.Pattern[str]:
    return re.compile(r"[a-z]+://[^/]+" if origin == "*" else re.escape(origin) + r"\Z")


def init_cors(app: Flask, settings: Settings, *, headers: Iterable[str] = ()) -> None:
    """Let pages of exactly these origins call with tokens in headers and bodies, never with cookies.

    `headers` are request headers that such a page may send besides the usual two.
    """
    if not settings.cors_origins:
        return

    @app.after_request
    def complete(response: Response) -> Response:
        # Also on answers to calls without an Origin: a cache may keep those for callers that send one.
        response.vary.add("Origin")
        response.headers.pop("Access-Control-Allow-Private-Network", None)
        return response

    CORS(
        app,
        # As patterns of our own: a text is matched in any case, and sometimes taken for a pattern.
        origins=[_origin_pattern(origin) for origin in settings.cors_origins],
        methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", *headers],
        expose_headers=["Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"],
        supports_credentials=False,
        allow_private_network=False,
        max_age=PREFLIGHT_SECONDS,
        vary_header=False,  # see above
    )
