"""The guard in Flask, FastAPI and WSGI. Without a permission, or with a malformed one, none can be made."""

import functools
import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ParamSpec
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from auth_guard.guard import Caller, Guard, Refusal, checked

P = ParamSpec("P")
_IDENTITY = {"auth_guard.caller", "REMOTE_USER", "HTTP_REMOTE_USER"}


def flask_requires(guard: Guard, *permissions: str) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Require all these permissions of the caller, who is `g.caller` in the view. Decorator for views."""
    from flask import current_app, g, request  # noqa: PLC0415  # other frameworks do not need it

    wanted = checked(permissions, at_least=1)

    def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                g.caller = guard.check(request.headers.get("Authorization"), *wanted)
            except Refusal as refusal:
                return refusal.body, refusal.status, refusal.headers
            return current_app.ensure_sync(view)(*args, **kwargs)

        return guarded

    return decorate


def fastapi_requires(guard: Guard, *permissions: str) -> Callable[..., Caller]:
    """Return a dependency, for `Depends`: the `Caller`, who has all these permissions. Runs in a thread."""
    from fastapi import HTTPException, Request, Security, security  # noqa: PLC0415  # only its users have it

    wanted = checked(permissions, at_least=1)

    def caller(
        request: Request, _doc: Annotated[Any, Security(security.HTTPBearer(auto_error=False))]
    ) -> Caller:
        try:  # of two headers one text is made, which is malformed
            return guard.check(", ".join(request.headers.getlist("Authorization")), *wanted)
        except Refusal as refusal:
            raise HTTPException(refusal.status, refusal.body, refusal.headers) from None

    return caller


class GuardedApp:
    """A WSGI application of which every call needs all these permissions.

    The application finds the `Caller` in `environ["auth_guard.caller"]`, and its id, as text, in
    `REMOTE_USER`. The caller's own `Remote-User` and `X-Auth-...` do not reach it, in any spelling.
    """

    def __init__(self, app: WSGIApplication, guard: Guard, permissions: Iterable[str]) -> None:
        self._app, self._guard, self._wanted = app, guard, checked(tuple(permissions), at_least=1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for name in [each for each in environ if each in _IDENTITY or each.startswith("HTTP_X_AUTH_")]:
            del environ[name]
        try:
            caller = self._guard.check(environ.get("HTTP_AUTHORIZATION"), *self._wanted)
        except Refusal as refusal:
            headers = [*refusal.headers.items(), ("Content-Type", "application/json")]
            start_response(f"{refusal.status} {type(refusal).__name__}", headers)
            return [b"" if environ["REQUEST_METHOD"] == "HEAD" else json.dumps(refusal.body).encode()]
        environ["auth_guard.caller"], environ["REMOTE_USER"] = caller, str(caller.user_id)
        return self._app(environ, start_response)
