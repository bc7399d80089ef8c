"""Work that a process begins with its first request.

A WSGI server may create the app before it forks its workers. A request is served by a worker only.
"""

from collections.abc import Callable, Iterable
from typing import Any


class AtFirstRequest:
    """Calls `action` before the first request, and before later ones until it returns True.

    Requests that arrive together may each call it: `action` must allow that.
    """

    def __init__(self, wsgi_app: Callable[..., Iterable[bytes]], action: Callable[[], bool]) -> None:
        self._wsgi_app, self._action = wsgi_app, action
        self._is_done = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self._is_done:
            self._is_done = self._action()
        return self._wsgi_app(environ, start_response)
