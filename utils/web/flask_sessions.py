"""Flask's cookie session. It is off by default: the service has sessions of its own, and each request would
decode and encode an empty one.
"""

from typing import Any, NoReturn

from flask import Flask, Request
from flask.sessions import SessionInterface, SessionMixin

from config import Settings

OFF = "flask.session is off in this service. Set FLASK_SESSIONS=true to use it in routes of your own."


def init_flask_sessions(app: Flask, settings: Settings) -> None:
    """Switch `flask.session` off, unless `FLASK_SESSIONS`; then its cookie gets safe attributes."""
    if not settings.flask_sessions:
        app.session_interface = NoSessions()
        return
    app.config.update(
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )


class SessionIsOff(dict[str, Any], SessionMixin):
    """The session of every request: its use raises `RuntimeError`."""

    def _refuse(self, *_arguments: Any, **_named: Any) -> NoReturn:
        raise RuntimeError(OFF)

    __getitem__ = __setitem__ = __delitem__ = __contains__ = __iter__ = __len__ = _refuse
    get = pop = popitem = setdefault = update = clear = keys = values = items = _refuse


class NoSessions(SessionInterface):
    """Opens no session and saves none."""

    def __init__(self) -> None:
        self._off = SessionIsOff()

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002
        return self._off

    def is_null_session(self, obj: object) -> bool:  # noqa: ARG002
        return True

    def save_session(self, *_arguments: Any) -> None:
        """Do nothing; Flask does not call it for a null session."""
