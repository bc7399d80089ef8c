"""The WSGI layer around Flask: id, headers, log line and metric of every request.

They are here and not in hooks of Flask (`before_request`, `after_request`), which cost a third of a small
request. The layer is outside `with_client_address`, and reads the address of the client after it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from time import perf_counter
from typing import Any

from flask import Flask

from config import Settings
from utils.client_info import canonical_address
from utils.observability.logs import log_request
from utils.observability.metrics import Metrics
from utils.request_record import KEY, RequestRecord

Headers = list[tuple[str, str]]
Revise = Callable[[str, Headers], Headers]  # of the method and the headers of a response

MAX_BUFFERED = 64 * 1024  # bytes of a body that is handed to the server as a list
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WITHOUT_BODY = (204, 304)


def init_layer(app: Flask, settings: Settings, metrics: Metrics) -> "RequestLayer":
    """Wrap `app.wsgi_app`, so that WSGI servers, `flask run` and test clients pass through the layer."""
    layer = RequestLayer(app.wsgi_app, _security_headers(settings), metrics)
    # mypy takes the assignment for an error; Flask documents it for middleware.
    app.wsgi_app = layer  # type: ignore[method-assign]
    return layer


def _security_headers(settings: Settings) -> dict[str, str]:
    """Return the security headers of API responses (OWASP REST Security Cheat Sheet; ASVS 3.4)."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(
            f"{name} 'none'" for name in ("default-src", "base-uri", "form-action", "frame-ancestors")
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return headers


class RequestLayer:
    """WSGI middleware that creates the record of a request, and adds, logs and counts what it says.

    A header that the response has is not added again, in any case. The line and the metric are written once:
    when the application returns a complete response, else when the server closes the response, and also if
    the application raises an exception.
    """

    def __init__(self, application: Any, headers: dict[str, str], metrics: Metrics) -> None:
        self._application = application
        self._headers = list(headers.items())
        self._names = {name.lower() for name in headers}
        self._metrics = metrics
        self._revisions: dict[str, Revise] = {}

    def revise(self, endpoints: Collection[str], revise: Revise) -> None:
        """Let this function change the headers of the responses of these endpoints, errors included."""
        self._revisions |= dict.fromkeys(endpoints, revise)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        record = environ[KEY] = RequestRecord()
        length: int | None = None

        def start(status: str, headers: Headers, *exc_info: Any) -> Any:
            nonlocal length
            record.status = int(status[:3])
            rule = record.rule or getattr(environ.get("werkzeug.request"), "url_rule", None)
            if rule is not None:
                record.route = rule.rule
                if revise := self._revisions.get(rule.endpoint):
                    headers = revise(environ["REQUEST_METHOD"], headers)
            headers, length = self._complete(headers, record)
            return start_response(status, headers, *exc_info)

        try:
            body = self._application(environ, start)
        except BaseException:
            self._finish(environ, record)
            raise
        if record.status in WITHOUT_BODY:
            length = 0
        if length is None:
            return _Streamed(body, lambda: self._finish(environ, record))
        self._finish(environ, record)
        return _buffered(body) if length <= MAX_BUFFERED else body

    def _complete(self, headers: Headers, record: RequestRecord) -> tuple[Headers, int | None]:
        """Return the headers of a response with those that it lacks, and the length of its body if known."""
        present = {name.lower(): value for name, value in headers}
        length = present.get("content-length")
        added = self._headers
        if record.headers:
            names = present.keys() | {name.lower() for name in record.headers}
            first = [item for item in record.headers.items() if item[0].lower() not in present]
            added = [*first, *(header for header in added if header[0].lower() not in names)]
        elif not self._names.isdisjoint(present):
            added = [header for header in added if header[0].lower() not in present]
        kept = headers
        if "x-request-id" in present:
            kept = [(name, value) for name, value in headers if name.lower() != "x-request-id"]
        return [*kept, *added, ("X-Request-Id", record.id)], int(length) if length else None

    def _finish(self, environ: dict[str, Any], record: RequestRecord) -> None:
        """Write the line and the metric."""
        seconds = perf_counter() - record.began
        method = environ["REQUEST_METHOD"].upper()
        method = method if method in METHODS else "other"
        log_request(method, record, canonical_address(environ.get("REMOTE_ADDR")), seconds)
        self._metrics.count_request(method, record, seconds)


def _buffered(body: Iterable[bytes]) -> list[bytes]:
    """Return a short body as a list, which a server sends at once (PEP 3333), and close it."""
    try:
        return list(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


class _Streamed:
    """A body of unknown length. Calls `finish` once, at its end or when the server closes it before."""

    def __init__(self, body: Iterable[bytes], finish: Callable[[], None]) -> None:
        self._body = body
        self._chunks: Iterator[bytes] = iter(body)
        self._finish: Callable[[], None] | None = finish

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._end()

    def _end(self) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            finish()
