"""Logs: one JSON object per line on standard error, with the id of the request.

A line has the matched route and not the requested path, since URLs may contain tokens. Nothing from a body, a
query or a header is logged.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask import has_request_context

from utils.request_record import RequestRecord, request_record

log = logging.getLogger("auth")
PROBES = ("/health/live", "/health/ready")  # frequent; their lines would hide the others
_encode = json.JSONEncoder(default=str).encode
_LINE = "json_line"  # the attribute of a record whose line is finished
_STANDARD_ATTRIBUTES = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON. Escapes control characters, against log injection."""

    def format(self, record: logging.LogRecord) -> str:
        finished: str | None = record.__dict__.get(_LINE)
        if finished is not None:
            return finished
        line: dict[str, Any] = {
            "at": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if has_request_context():
            line["request_id"] = request_record().id
        line |= {k: v for k, v in record.__dict__.items() if k not in _STANDARD_ATTRIBUTES}
        if record.exc_info and record.exc_info[0]:
            # The text of an exception may quote values: log its type only.
            line["error"] = record.exc_info[0].__name__
        return _encode(line)


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


def log_request(method: str, record: RequestRecord, address: str | None, seconds: float) -> None:
    """Log one line for a request, but for probes that succeed.

    `method` is one of a fixed set, `address` the canonical address.
    """
    if not log.isEnabledFor(logging.INFO) or (record.route in PROBES and record.status < 400):
        return
    # Without Logger.info(), which searches the stack for its caller, and JsonLines: both together take twice
    # as long. Every value is a number, of a fixed set, or quoted.
    code = record.error.code if record.error else None
    milliseconds = round(seconds * 1000, 1)
    entry = logging.LogRecord(log.name, logging.INFO, __file__, 0, "request", (), None)
    entry.__dict__.update(
        request_id=record.id,
        method=method,
        route=record.route,
        status=record.status,
        code=code,
        ms=milliseconds,
        ip_address=address,
        user_id=record.user_id,
    )
    entry.__dict__[_LINE] = (
        f'{{"at": "{_timestamp(entry)}", "level": "info", "logger": "{log.name}", "event": "request", '
        f'"request_id": "{record.id}", "method": "{method}", "route": {_quoted(record.route)}, '
        f'"status": {record.status}, "code": {_quoted(code)}, "ms": {milliseconds}, '
        f'"ip_address": {_quoted(address)}, "user_id": {_quoted(record.user_id)}}}'
    )
    log.handle(entry)


def _timestamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(maxsize=1024)
def _quoted(value: str | int | None) -> str:
    """Return a value as JSON."""
    return json.dumps(value)
