"""Responses that caches may keep: the named exception to `no-store`."""

from collections.abc import Callable

from flask import Response, request

from utils.request_record import request_record
from utils.web.repeats import CONDITIONS

MAX_AGE = 3600  # seconds


def public_document(body: bytes, etag: str, *, repeat_while: Callable[[], bool] | None = None) -> Response:
    """Return a JSON document that is the same for everybody; 304 if the caller has it (`If-None-Match`).

    With `repeat_while` it is repeated as long as that returns true (`utils.web.repeats`).
    """
    headers = {
        "ETag": f'"{etag}"',
        "Cache-Control": f"public, max-age={MAX_AGE}",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    response = Response(body, content_type="application/json")
    if not CONDITIONS.isdisjoint(request.environ):
        response.headers.update(headers)
        response.make_conditional(request)
    else:
        record = request_record()
        record.headers = headers  # Werkzeug would check and copy each of them
        record.repeat_while = repeat_while
    return response
