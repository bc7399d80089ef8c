"""Preferences of a browser: contrast, colour scheme and language, each in a cookie.

The pages are rendered with them, so that a browser never shows another choice first.
"""

from typing import NamedTuple

from flask import redirect, request
from werkzeug.wrappers import Response

from config import Settings
from utils.services import services
from utils.web.cookies import refuse_cross_site
from utils.web.http import limited
from utils.web.languages import LANGUAGE_COOKIE
from utils.web.return_addresses import is_local

CONTRAST_COOKIE = "__Host-contrast"
CONTRASTS = ("seed", "more")
SCHEME_COOKIE = "__Host-scheme"
SCHEMES = ("auto", "light", "dark")  # auto: that of the system
YEAR = 365 * 24 * 60 * 60


class Look(NamedTuple):
    """How a page looks. `contrast` is None if neither the user nor the service has chosen it."""

    contrast: str | None
    scheme: str

    @property
    def color_schemes(self) -> str:
        """What the page supports, for `<meta name="color-scheme">` (CSS Color Adjustment 1)."""
        return "light dark" if self.scheme == "auto" else self.scheme


def look(settings: Settings) -> Look:
    """Return the look that the browser has chosen, else that of the service."""
    default = None if settings.ui_contrast_default == CONTRASTS[0] else settings.ui_contrast_default
    return Look(
        _chosen(CONTRAST_COOKIE, CONTRASTS) or default,
        _chosen(SCHEME_COOKIE, SCHEMES) or settings.ui_scheme_default,
    )


@limited("reads")
def contrast() -> Response:
    """Store the chosen contrast in a cookie and redirect back (WCAG techniques C29 and G174)."""
    return _stored("contrast", CONTRAST_COOKIE, CONTRASTS)


@limited("reads")
def scheme() -> Response:
    """Store the chosen colour scheme in a cookie and redirect back."""
    return _stored("scheme", SCHEME_COOKIE, SCHEMES)


@limited("reads")
def language() -> Response:
    """Store the chosen language in a cookie and redirect back; an empty one asks the browser again."""
    response = _stored("language", LANGUAGE_COOKIE, services().languages.tags)
    if not request.form.get("language"):
        response.delete_cookie(LANGUAGE_COOKIE, path="/", secure=True, samesite="Lax")
    return response


def _chosen(cookie: str, values: tuple[str, ...]) -> str | None:
    value = request.cookies.get(cookie)
    return value if value in values else None


def _stored(field: str, cookie: str, values: tuple[str, ...]) -> Response:
    """Store the value of a form field, if it is one of these, and redirect to the page of the form."""
    refuse_cross_site()
    wanted, back = request.form.get(field, ""), request.form.get("back")
    response = redirect(back if back and is_local(back) else "/login", 303)
    if wanted in values:
        response.set_cookie(cookie, wanted, max_age=YEAR, path="/", secure=True, samesite="Lax")
    return response
