"""Security headers of the pages, and validation of redirect targets."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from flask import Response

from utils.web.return_addresses import MAX_LENGTH, has_unsafe_characters, is_on

DEFAULT_NEXT = "/account"
# No inline styles or scripts (ASVS 3.4.3).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'"
)
_PUBLIC_PATHS = re.compile(
    r"/(login|signup|logout|forgot|two-factor|reset|verify-email|reject|undo-email-change|restore|disown|auth)(/|$)",
    re.IGNORECASE,
)
_HALF_ESCAPE = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)
AUTHORIZE = "/oauth/authorize?"  # an authorization request, which has its own parameters in the query
MAX_AUTHORIZE = 8 * 1024 + len(AUTHORIZE)


def is_local(path: str | None) -> bool:
    """Return whether a redirect to this path stays on this origin in every browser (ASVS 3.7.2)."""
    longest = MAX_AUTHORIZE if path and path.startswith(AUTHORIZE) else MAX_LENGTH
    if not path or len(path) > longest or path[0] != "/" or path[1:2] in {"/", "\\"}:
        return False
    if has_unsafe_characters(path):
        return False
    return "//" not in _without_query(path) and not _DOTS.search(_without_query(path))


def _without_query(path: str) -> str:
    """Return the path without query and fragment."""
    return re.split(r"[?#]", path, maxsplit=1)[0]


def safe_next(given: str | None, origins: Iterable[str] = ()) -> str:
    """Return where to go after a login: `given` as it came, or `DEFAULT_NEXT` if that is refused.

    Accepted are addresses on these origins (`RETURN_ORIGINS`), and local paths that require a login.
    """
    if given is None or is_on(given, origins):
        return given or DEFAULT_NEXT
    if not is_local(given) or _HALF_ESCAPE.search(_without_query(given)):
        return DEFAULT_NEXT
    try:
        path = unquote(_without_query(given), errors="strict")
    except UnicodeDecodeError:
        return DEFAULT_NEXT
    return DEFAULT_NEXT if _PUBLIC_PATHS.match(path) else given


def add_page_headers(response: Response) -> Response:
    """Set the security headers of HTML responses.

    The referrer policy is `same-origin`: under `no-referrer` a form sends `Origin: null`, which the
    cross-site check refuses.
    """
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
