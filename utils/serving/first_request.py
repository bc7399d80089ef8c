"""Work that a process begins with its first request.

A WSGI server may create the app before it forks its workers. A request is served by a worker only.
"""

from collections.abc import Callable, Iterable
from typing import Any


class AtFirstRequest:
    """Calls `action` before the first request that passes, and again if it comes with others."""

    def __init__(self, wsgi_app: Callable[..., Iterable[bytes]], action: Callable[[], object]) -> None:
        self._wsgi_app, self._action = wsgi_app, action
        self._is_first = True

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self._is_first:
            self._is_first = False
            self._action()
        return self._wsgi_app(environ, start_response)
