"""The error handlers: every failure becomes a response with a code, a message and the id of the request."""

import json
import logging
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import flask
import werkzeug
from flask import Flask, Response
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as AnyResponse

from utils.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from utils.request_record import RequestRecord, request_record
from utils.web.localized import localized

log = logging.getLogger("auth")

_encode = json.JSONEncoder(separators=(",", ":")).encode
AsPage = Callable[[ApiError], Response | None]


def init_errors(app: Flask, as_page: AsPage = lambda _: None) -> None:
    """Register the error handlers. `as_page` returns the page of an error, if the caller wants one."""
    for kind, handle in ((ApiError, _respond), (HTTPException, _from_werkzeug), (Exception, _unexpected)):
        app.register_error_handler(kind, partial(handle, as_page))


def _respond(as_page: AsPage, error: ApiError) -> Response:
    record = request_record()
    record.error = error
    response = as_page(error) or _as_json(error, record)
    response.status_code = error.status
    if error.headers:
        response.headers.update(error.headers)
    return response


def _as_json(error: ApiError, record: RequestRecord) -> Response:
    for_developers = error.for_developers or record.takes_form
    say = str if for_developers else localized
    body: dict[str, Any] = {"code": error.code, "message": say(error.message)}
    if error.fields:
        body["fields"] = {name: say(fault) for name, fault in error.fields.items()}
    body.update(error.extra)
    if record.takes_form and "error" not in body:
        is_callers = error.status in {400, 413, 415}
        body["error"] = "invalid_request" if is_callers else "temporarily_unavailable"
        body["error_description"] = error.message
    body["request_id"] = record.id
    return Response(f"{_encode(body)}\n", content_type="application/json")  # `jsonify` takes twice as long


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
MAX_DESCRIPTION = 200  # characters of a description given to `abort`
_LIBRARIES = tuple(f"{Path(module.__file__ or '').parent}{os.sep}" for module in (flask, werkzeug))


def _from_werkzeug(as_page: AsPage, error: HTTPException) -> AnyResponse | HTTPException:
    """Return the response for an exception of Werkzeug, including `abort` in a view.

    The status is kept. `code` is that of the error class for this status, or else the reason phrase in snake
    case (RFC 9110, 15). A description given to `abort` becomes the message if it has at most 200 characters
    and no markup or control characters. Werkzeug's own descriptions may quote the request and are never sent.
    `abort(response)` and redirects pass through.
    """
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    if isinstance(error, RequestEntityTooLarge):
        status = 413  # a subclass may say otherwise
    kind = _BY_STATUS.get(status)
    refusal = kind() if kind else _generic_error(status)
    refusal.message = _description(error) or refusal.message
    answer = _respond(as_page, refusal)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After", "WWW-Authenticate"}:
            answer.headers[name] = value
    return answer


def _generic_error(status: int) -> ApiError:
    """Return an error for a status without an error class."""
    # Werkzeug's phrases: those of `http.HTTPStatus` change between Python versions.
    phrase = HTTP_STATUS_CODES.get(status, "Error")
    refusal = ApiError(f"{phrase}.")
    refusal.status = status
    refusal.code = re.sub(r"[^a-z0-9]+", "_", phrase.lower().replace("'", "")).strip("_")
    return refusal


def _description(error: HTTPException) -> str | None:
    """Return the description given to `abort`, or None if there is none that may be sent."""
    text = error.description
    if not isinstance(text, str) or text == type(error).description or _raised_by_library(error):
        return None
    is_plain = len(text) <= MAX_DESCRIPTION and text.isprintable() and not re.search("[<>]", text)
    return text if is_plain and text.strip() else None


def _raised_by_library(error: HTTPException) -> bool:
    """Return whether Flask or Werkzeug raised the error themselves, not a view with `abort`."""
    trace, raised_by = error.__traceback__, None
    while trace is not None:
        code = trace.tb_frame.f_code
        is_library = code.co_filename.startswith(_LIBRARIES)
        if not (is_library and code.co_qualname in {"abort", "Aborter.__call__"}):
            raised_by = code.co_filename
        trace = trace.tb_next
    return raised_by is None or raised_by.startswith(_LIBRARIES)


def _unexpected(as_page: AsPage, error: Exception) -> Response:
    """Return a 503 if the database is unavailable, else a 500."""
    if isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and _is_unavailable(error)):
        log.error("database unavailable", extra={"error": _error_name(error)})
        return _respond(as_page, Unavailable())
    # The text of the exception may quote submitted values: log its type and stack only.
    log.error("unexpected error", extra={"error": type(error).__name__, "trace": _stack_frames(error)})
    return _respond(as_page, InternalError())


def _error_name(error: Exception) -> str:
    """Return the class of the error and, if there is one, the code of the database (such as SQLITE_FULL)."""
    orig = getattr(error, "orig", None)
    code = getattr(orig, "sqlite_errorname", None) or getattr(orig, "sqlstate", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _is_unavailable(error: DBAPIError) -> bool:
    """Return whether the database is unreachable, or lacks a table or column of a missing migration."""
    lacks = {"42P01", "42703"}  # undefined_table, undefined_column; on SQLite an OperationalError
    return (
        isinstance(error, OperationalError)
        or error.connection_invalidated
        or getattr(error.orig, "sqlstate", None) in lacks
    )


def _stack_frames(error: BaseException) -> list[str]:
    frames, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-15:]
