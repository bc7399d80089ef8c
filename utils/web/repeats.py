"""Responses that are the same for everybody, repeated without Flask.

Clients fetch a public document again and again, and Flask takes most of the time of such a call. A view that
answers with one says how long it is right (`RequestRecord.repeat_while`).
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from flask import Flask

from utils.request_record import record_of

CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE"})
Headers = list[tuple[str, str]]


class _Kept(NamedTuple):
    """A response. `rule` (of its view) and `added` (further headers) are for `RequestLayer`."""

    is_right: Callable[[], bool]
    status: str
    headers: Headers
    rule: Any
    added: Mapping[str, str] | None
    body: list[bytes]


def init_repeats(app: Flask) -> None:
    """Wrap `app.wsgi_app`. `RequestLayer` and `with_client_address` come around it, and see each request."""
    # mypy takes the assignment for an error; Flask documents it for middleware.
    app.wsgi_app = Repeats(app.wsgi_app)  # type: ignore[method-assign]


class Repeats:
    """WSGI middleware that keeps one response for each rule without arguments, and repeats it for a GET."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._kept: dict[str, _Kept] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = self._kept.get(environ["PATH_INFO"])
        if found is not None and _is_plain(environ) and _is_right(found):
            record = record_of(environ)
            record.rule, record.headers = found.rule, found.added
            start_response(found.status, found.headers)
            return found.body
        begun: list[tuple[str, Headers, Any]] = []

        def start(status: str, headers: Headers, *exc_info: Any) -> Any:
            if record_of(environ).repeat_while is not None:
                begun.append((status, headers, environ["werkzeug.request"].url_rule))
            return start_response(status, headers, *exc_info)

        answer = self._application(environ, start)
        if not begun or not _is_plain(environ):
            return answer  # type: ignore[no-any-return]
        (status, headers, rule), record = begun[0], record_of(environ)
        with closing(answer):
            body = list(answer)
        if record.repeat_while is not None and rule.rule == environ["PATH_INFO"]:
            kept = _Kept(record.repeat_while, status, headers, rule, record.headers, body)
            self._kept[rule.rule] = kept
        return body


def _is_plain(environ: dict[str, Any]) -> bool:
    return environ["REQUEST_METHOD"] == "GET" and CONDITIONS.isdisjoint(environ)


def _is_right(found: _Kept) -> bool:
    """Whether a response may be repeated. After a fault Flask answers, and finds the fault again."""
    try:
        return found.is_right()
    except Exception:  # noqa: BLE001
        return False
