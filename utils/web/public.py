"""Responses that caches may keep: the named exception to `no-store`."""

from flask import Response, request

from utils.request_record import request_record

MAX_AGE = 3600  # seconds
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")


def public_document(body: bytes, etag: str) -> Response:
    """Return a JSON document that is the same for everybody; 304 if the caller has it (`If-None-Match`)."""
    headers = {
        "ETag": f'"{etag}"',
        "Cache-Control": f"public, max-age={MAX_AGE}",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    response = Response(body, content_type="application/json")
    if any(name in request.environ for name in _CONDITIONS):
        response.headers.update(headers)
        response.make_conditional(request)
    else:
        request_record().headers = headers  # Werkzeug would check and copy each of them
    return response
