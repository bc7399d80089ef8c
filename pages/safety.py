"""Security headers of the pages, and validation of redirect targets."""

import re
from urllib.parse import unquote

from flask import Response

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
MAX_NEXT = 2048
AUTHORIZE = "/oauth/authorize?"  # an authorization request, which has its own parameters in the query
MAX_AUTHORIZE = 8 * 1024 + len(AUTHORIZE)


def is_local(path: str | None) -> bool:
    """Return whether a redirect to this path stays on this origin in every browser (ASVS 3.7.2)."""
    longest = MAX_AUTHORIZE if path and path.startswith(AUTHORIZE) else MAX_NEXT
    if not path or len(path) > longest or path[0] != "/" or path[1:2] in {"/", "\\"}:
        return False
    if any(char == "\\" or ord(char) < 0x21 or ord(char) == 0x7F for char in path):
        return False
    return "//" not in _without_query(path) and not _DOTS.search(_without_query(path))


def _without_query(path: str) -> str:
    """Return the path without query and fragment."""
    return re.split(r"[?#]", path, maxsplit=1)[0]


def safe_next(path_given: str | None) -> str:
    """Return the path to open after a login: a local path that requires one, else `DEFAULT_NEXT`."""
    if path_given is None or not is_local(path_given) or _HALF_ESCAPE.search(_without_query(path_given)):
        return DEFAULT_NEXT
    try:
        path = unquote(_without_query(path_given), errors="strict")
    except UnicodeDecodeError:
        return DEFAULT_NEXT
    return DEFAULT_NEXT if _PUBLIC_PATHS.match(path) else path_given


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
