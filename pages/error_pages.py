"""Errors as pages, for browsers.

Strangers cause errors as often as they like, and rendering a page takes several times as long as the call
that failed. Few of these pages differ: each is rendered once, with a mark in the place of the request's id,
and kept. So they show nothing of the request but what is in their key.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from pages.preferences import Look, look
from pages.routes import Facts, settled
from pages.safety import HEADERS
from pages.texts import VARY, language
from utils.errors import ApiError, CrossSiteRefused
from utils.languages.catalogue import Language
from utils.request_record import request_record
from utils.services import services

CROSS_SITE = CrossSiteRefused.code  # the only 403 with its own page
MAX_KEPT = 256  # pages of some 8 KB in each process
MAX_KEPT_HEADER = 256  # characters of an `Accept`; those of browsers have up to 150
ID_MARK = "\x00id\x00"  # no value has a NUL
PATH = "/login"  # the target of the contrast switch: the path of the error may not accept GET
# In one list, as Werkzeug checks each header that is set by itself.
_HEADERS = [*HEADERS.items(), ("Cache-Control", "no-store"), ("Vary", ", ".join(VARY))]


class ErrorPages:
    """Turns error responses into pages, for `utils.error_handlers.init_errors`."""

    def __init__(self, app: Flask, facts: Facts) -> None:
        self._app, self._settled = app, settled(facts)
        self._kept = lru_cache(maxsize=MAX_KEPT)(self._rendered)

    def __call__(self, error: ApiError) -> Response | None:
        """Return the page of an error for a browser; None for other clients, which get JSON."""
        if request.path.startswith("/auth/") or not _wants_page(request.headers.get("Accept", "")):
            return None
        template, key, values = _shell_of(error)
        shown = tuple((name, _hashable(value)) for name, value in values.items())
        page = self._kept(template, key, language(), look(services().settings), shown)
        return Response(page.replace(ID_MARK, request_record().id), headers=_HEADERS)

    def _rendered(
        self, template: str, key: str, spoken: Language, seen: Look, shown: tuple[tuple[str, Any], ...]
    ) -> str:
        """Return a page. `spoken` and `seen` are in its key, and its context reads them again."""
        del spoken, seen
        values = self._settled() | dict(shown)
        render = self._app.jinja_env.get_template(template).render
        return render(values, key=key, path=PATH, request_id=ID_MARK)


def _shell_of(error: ApiError) -> tuple[str, str, Mapping[str, Any]]:
    """Return the template of an error, the key of its texts, and the values that it shows."""
    if error.page is not None:
        return f"{error.page}.html", error.page, {**error.page_values(), "message": error.message}
    key = f"error_{error.status}"
    if f"{key}.title" not in language().page or (error.status == 403 and error.code != CROSS_SITE):
        key = "error_500" if error.status >= 500 else "error_400"
    return "message.html", key, {}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _wants_page(accept: str) -> bool:
    """Whether a caller with this header prefers a page. Short headers are parsed once."""
    return _prefers_page(accept) if len(accept) <= MAX_KEPT_HEADER else _prefers_page.__wrapped__(accept)


@lru_cache(maxsize=256)
def _prefers_page(accept: str) -> bool:
    preferred = parse_accept_header(accept, MIMEAccept).best_match(["application/json", "text/html"])
    return preferred == "text/html"
