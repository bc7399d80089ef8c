"""Logs: one JSON object a line, on standard error, with the request's id and without anything secret.

A line names the route that matched and never the path that was asked for: people put
tokens into URLs. Nothing from a body, a query or a header other than the user agent is logged.
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
_PLAIN = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line of JSON. Control characters are escaped, so no line can forge another."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if has_request_context():
            line["request_id"] = g.get("request_id")
        line |= {k: v for k, v in record.__dict__.items() if k not in _PLAIN}
        if record.exc_info and record.exc_info[0]:
            # The text of an exception may quote a value; its type and the log line say enough.
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


def configure_logging(*, everything: bool) -> None:
    """Send our log to standard error as JSON lines; with `everything`, that of every library too.

    The command line leaves the libraries alone: they talk to a person there.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    target = logging.getLogger() if everything else log
    target.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = everything


def logging_of_server() -> dict[str, Any]:
    """The WSGI server's own log, in the same form; its access log stays off, ours says more."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {"_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
    }


def no_access_log() -> None:
    """Keep Flask's own server from logging request lines: it writes out what is in a URL."""
    logging.getLogger("werkzeug").addFilter(lambda record: " - - [" not in str(record.msg))


def init_logs(app: Flask) -> None:
    """Give each request an id of our own and one line when it is answered."""

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
