"""Logs: one JSON object per line on standard error, with the id of the request.

A line has the matched route and not the requested path, since URLs may contain tokens. Nothing from a body, a
query or a header is logged.
"""

import json
import logging
import secrets
import sys
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from utils.client_info import canonical_address

log = logging.getLogger("auth")
_STANDARD_ATTRIBUTES = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON. Escapes control characters, against log injection."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if has_request_context():
            line["request_id"] = g.get("request_id")
        line |= {k: v for k, v in record.__dict__.items() if k not in _STANDARD_ATTRIBUTES}
        if record.exc_info and record.exc_info[0]:
            # The text of an exception may quote values: log its type only.
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


def configure_logging(*, all_loggers: bool) -> None:
    """Log to standard error as JSON lines; with `all_loggers`, the loggers of all libraries as well.

    The command line does not use `all_loggers`: there, libraries log for people.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    target = logging.getLogger() if all_loggers else log
    target.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = all_loggers


def server_log_config() -> dict[str, Any]:
    """Return the logging configuration of the WSGI server: the same format, and no access log."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {"_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
    }


def disable_access_log() -> None:
    """Disable the access log of Flask's development server, which contains URLs."""
    logging.getLogger("werkzeug").addFilter(lambda record: " - - [" not in str(record.msg))


def init_logs(app: Flask) -> None:
    """Give each request an id, and log one line with its response."""

    @app.before_request
    def begin() -> None:
        g.request_id = secrets.token_hex(8)
        g.began = perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        principal, error = g.get("principal"), g.get("error")
        log.info(
            "request",
            extra={
                "method": request.method if request.method in _METHODS else "other",
                "route": str(request.url_rule) if request.url_rule else None,
                "status": response.status_code,
                "code": error.code if error else None,
                "ms": round((perf_counter() - g.began) * 1000, 1),
                "ip_address": canonical_address(request.remote_addr),
                "user_id": principal.user_id if principal else None,
            },
        )
        return response


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
