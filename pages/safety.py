"""What keeps people who are on a page from harm: its headers, and where it may send them."""

import re
from urllib.parse import unquote

from flask import Response

DEFAULT_NEXT = "/account"
# Styles and scripts are files of ours, and nothing is inline (ASVS 3.4.3).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'"
)
_SIGNED_OUT = re.compile(
    r"/(login|signup|logout|forgot|two-factor|reset|verify-email|reject|undo-email-change|restore|disown|auth)(/|$)",
    re.IGNORECASE,
)
_HALF_ESCAPE = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)
MAX_NEXT = 2048


def is_local(path: str | None) -> bool:
    """Whether a browser that is sent to this path stays on this origin, however it reads the path."""
    if not path or len(path) > MAX_NEXT or path[0] != "/" or path[1:2] in {"/", "\\"}:
        return False
    if any(char == "\\" or ord(char) < 0x21 or ord(char) == 0x7F for char in path):
        return False
    return "//" not in _bare(path) and not _DOTS.search(_bare(path))


def _bare(path: str) -> str:
    """The path without what follows it."""
    return re.split(r"[?#]", path, maxsplit=1)[0]


def safe_next(asked: str | None) -> str:
    """Where to go after a log-in: a path of this origin that is for people who are logged in."""
    if asked is None or not is_local(asked) or _HALF_ESCAPE.search(_bare(asked)):
        return DEFAULT_NEXT
    try:
        path = unquote(_bare(asked), errors="strict")
    except UnicodeDecodeError:
        return DEFAULT_NEXT
    return DEFAULT_NEXT if _SIGNED_OUT.match(path) else asked


def add_page_headers(response: Response) -> Response:
    """Headers of HTML that stand before those of data. `same-origin`, since a form posted from a page
    under `no-referrer` has no Origin, by which the check of cookie calls knows it.
    """
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
