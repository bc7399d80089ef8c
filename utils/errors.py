"""Refusals and failures: the general ones, and the one place where any of them becomes JSON.

    ApiError
    ├── BadRequest 400 ─ NoInput, MissingFields, InvalidJson, InvalidInput
    ├── Unauthorized 401 ─ TokenMissing, TokenMalformed, TokenInvalid
    ├── Forbidden 403 ─ CrossSiteRefused
    ├── NotFound 404, MethodNotAllowed 405, PayloadTooLarge 413, UnsupportedMediaType 415, TooManyRequests 429
    └── InternalError 500, Busy 503, Unavailable 503

Every failure has one shape: `code` for programs, `message` for people, `fields` where it
applies, and the `request_id` under which the log knows it. Never a value that was sent,
a stack trace or the words of the database.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import flask
import werkzeug
from flask import Flask, Response, g, jsonify
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as AnyResponse

log = logging.getLogger("auth")


class ApiError(Exception):
    """A refusal with a published code. A code never changes its meaning."""

    status: int = 500
    code: str = "internal_error"
    message: str = "Something went wrong on our side."

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or type(self).message
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        self.beside: Mapping[str, Any] = {}  # what else an answer needs to go on
        super().__init__(self.message)

    @classmethod
    def message_for(cls, _fault: str) -> str | None:
        """The message for a fault of a field, for classes whose message names it; None: the class's own."""
        return None


class BadRequest(ApiError):
    status, code, message = 400, "bad_request", "The request could not be understood."


class NoInput(BadRequest):
    code, message = "no_input", "No input data provided"


class MissingFields(BadRequest):
    code, message = "missing_fields", "A required field is missing"


class InvalidJson(BadRequest):
    code, message = "json_invalid", "The body is not valid JSON: one object in UTF-8, each key once."


class InvalidInput(BadRequest):
    code, message = "validation_failed", "Some fields are not valid."


class Unauthorized(ApiError):
    """A 401 tells how to authenticate (RFC 6750, 3): with no credentials sent, no error code."""

    status, code, message = 401, "unauthorized", "Authentication is required."
    challenge: ClassVar[str] = "Bearer"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"WWW-Authenticate": self.challenge})


class TokenMissing(Unauthorized):
    code, message = "token_missing", "Authorization token is missing!"


class TokenMalformed(Unauthorized):
    code = "token_malformed"
    message = 'Malformed Authorization header. Use "Bearer <token>"'
    challenge = 'Bearer error="invalid_request"'


class TokenInvalid(Unauthorized):
    code, message = "token_invalid", "Token is invalid or expired!"
    challenge = 'Bearer error="invalid_token"'


class Forbidden(ApiError):
    status, code, message = 403, "forbidden", "This is not allowed."


class CrossSiteRefused(Forbidden):
    code, message = "cross_site_refused", "A call with cookies must come from the service's own pages."


class NotFound(ApiError):
    status, code, message = 404, "not_found", "There is nothing here."


class MethodNotAllowed(ApiError):
    status, code, message = 405, "method_not_allowed", "This method is not allowed here."


class PayloadTooLarge(ApiError):
    status, code, message = 413, "payload_too_large", "The body is larger than is allowed here."


class UnsupportedMediaType(ApiError):
    status, code = 415, "unsupported_media_type"
    message = "Send the body as application/json in UTF-8, without content encoding."


class TooManyRequests(ApiError):
    """RFC 6585, 4. `Retry-After` says how many seconds to wait."""

    status, code, message = 429, "rate_limited", "Too many requests. Try again later."

    def __init__(self, *, policy: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(headers=headers)
        self.policy = policy  # for the metrics, not for the caller


class InternalError(ApiError):
    pass


class Busy(ApiError):
    """Too many callers wait for a password hash, or a score, already."""

    status, code, message = 503, "busy", "The service is busy just now. Try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class Unavailable(ApiError):
    status, code, message = 503, "unavailable", "The service cannot answer just now. Try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


def error_classes(root: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    """Every refusal there is, the domain's too once they are imported."""
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


def init_errors(app: Flask) -> None:
    """Give every failure the one shape, from whichever road it comes."""
    app.register_error_handler(ApiError, _answer)
    app.register_error_handler(HTTPException, _from_werkzeug)
    app.register_error_handler(Exception, _unexpected)


def _answer(error: ApiError) -> Response:
    g.error = error
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.fields:
        body["fields"] = error.fields
    body.update(error.beside)
    body["request_id"] = g.get("request_id", "")
    response = jsonify(body)
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


_BY_STATUS: dict[int, type[ApiError]] = {
    error.status: error
    for error in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        PayloadTooLarge,
        UnsupportedMediaType,
        TooManyRequests,
        InternalError,
        Unavailable,
    )
}
MAX_DESCRIPTION = 200  # characters of what a view says to `abort`
_LIBRARIES = tuple(f"{Path(module.__file__ or '').parent}{os.sep}" for module in (flask, werkzeug))


def _from_werkzeug(error: HTTPException) -> AnyResponse | HTTPException:
    """Answer for an exception of Werkzeug, also of `abort` in a view of one's own.

    The status stays, and `code` is that of our class for it, or else its reason phrase in snake case
    (RFC 9110, 15). The description is taken if the view gave one: at most 200 characters without markup or
    control characters. Werkzeug's own descriptions may quote the request and are never repeated.
    `abort(response)` and redirects pass through.
    """
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    if isinstance(error, RequestEntityTooLarge):
        status = 413  # a subclass may say otherwise
    kind = _BY_STATUS.get(status)
    refusal = kind() if kind else _unnamed(status)
    refusal.message = _description_of(error) or refusal.message
    answer = _answer(refusal)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After", "WWW-Authenticate"}:
            answer.headers[name] = value
    return answer


def _unnamed(status: int) -> ApiError:
    """An error of a status that has no class here."""
    # Werkzeug's, as Python renames some: a code must not change with the Python that runs.
    phrase = HTTP_STATUS_CODES.get(status, "Error")
    refusal = ApiError(f"{phrase}.")
    refusal.status = status
    refusal.code = re.sub(r"[^a-z0-9]+", "_", phrase.lower().replace("'", "")).strip("_")
    return refusal


def _description_of(error: HTTPException) -> str | None:
    """What the view said, or None if it said nothing that can be shown."""
    text = error.description
    if not isinstance(text, str) or text == type(error).description or _is_of_a_library(error):
        return None
    is_plain = len(text) <= MAX_DESCRIPTION and text.isprintable() and not re.search("[<>]", text)
    return text if is_plain and text.strip() else None


def _is_of_a_library(error: HTTPException) -> bool:
    """Whether Flask or Werkzeug raised it by themselves, and no view by `abort`."""
    trace, raised_by = error.__traceback__, None
    while trace is not None:
        code = trace.tb_frame.f_code
        is_library = code.co_filename.startswith(_LIBRARIES)
        if not (is_library and code.co_qualname in {"abort", "Aborter.__call__"}):
            raised_by = code.co_filename
        trace = trace.tb_next
    return raised_by is None or raised_by.startswith(_LIBRARIES)


def _unexpected(error: Exception) -> Response:
    """The last resort. A database that is away is no fault of ours and says so."""
    if isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and _is_unavailable(error)):
        log.error("database unavailable", extra={"error": _kind(error)})
        return _answer(Unavailable())
    # The exception's own text may quote what was sent, so the log gets where, not what.
    log.error("unexpected error", extra={"error": type(error).__name__, "trace": _places(error)})
    return _answer(InternalError())


def _kind(error: Exception) -> str:
    """The error's class, and the database's own code where there is one, which tells a disk that is full."""
    orig = getattr(error, "orig", None)
    code = getattr(orig, "sqlite_errorname", None) or getattr(orig, "sqlstate", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _is_unavailable(error: DBAPIError) -> bool:
    """Whether the database is away, or lacks a table or column because its migration is missing."""
    lacks = {"42P01", "42703"}  # undefined_table, undefined_column; on SQLite an OperationalError
    return (
        isinstance(error, OperationalError)
        or error.connection_invalidated
        or getattr(error.orig, "sqlstate", None) in lacks
    )


def _places(error: BaseException) -> list[str]:
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-15:]
