"""Responses that caches may keep: the named exception to `no-store`."""

from flask import Response, request

MAX_AGE = 3600  # seconds


def public_document(body: bytes, etag: str) -> Response:
    """Return a JSON document that is the same for everybody; 304 if the caller has it (`If-None-Match`)."""
    response = Response(body, content_type="application/json")
    response.set_etag(etag)
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.make_conditional(request)
    return response
