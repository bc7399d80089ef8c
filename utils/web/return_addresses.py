"""Return addresses: where a person may be sent after a login or a logout (ASVS 3.7.2).

These are addresses on an origin of `RETURN_ORIGINS`, and paths of this service. This module decides alone:
the scripts of the pages take the result.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from config_values import origin

MAX_LENGTH = 2048  # characters
AUTHORIZE = "/oauth/authorize?"  # an authorization request, which has its own parameters in the query
MAX_AUTHORIZE = 8 * 1024 + len(AUTHORIZE)
_PUBLIC_PATHS = re.compile(
    r"/(login|signup|logout|forgot|two-factor|reset|verify-email|reject|undo-email-change|restore|disown|auth)(/|$)",
    re.IGNORECASE,
)
_HALF_ESCAPE = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)


def is_return_address(address: str, origins: Iterable[str]) -> bool:
    """Return whether a login may lead there: an address on these origins, or a path that requires a login."""
    if is_on(address, origins):
        return True
    if not is_local(address) or _HALF_ESCAPE.search(_without_query(address)):
        return False
    try:
        path = unquote(_without_query(address), errors="strict")
    except UnicodeDecodeError:
        return False
    return not _PUBLIC_PATHS.match(path)


def is_local(path: str) -> bool:
    """Return whether a redirect to this path stays on this origin in every browser (ASVS 3.7.2)."""
    longest = MAX_AUTHORIZE if path.startswith(AUTHORIZE) else MAX_LENGTH
    if not path or len(path) > longest or path[0] != "/" or path[1:2] in {"/", "\\"}:
        return False
    if has_unsafe_characters(path):
        return False
    return "//" not in _without_query(path) and not _DOTS.search(_without_query(path))


def _without_query(path: str) -> str:
    """Return the path without query and fragment."""
    return re.split(r"[?#]", path, maxsplit=1)[0]


def is_on(address: str, origins: Iterable[str]) -> bool:
    """Return whether the address leads to one of these origins in every browser.

    It begins with the origin, byte for byte, and then ends or has its path, query or fragment. User names,
    other ports, other spellings of the scheme or host, and what a browser would change are refused.
    """
    if len(address) > MAX_LENGTH or has_unsafe_characters(address):
        return False
    return any(
        address == each or address.startswith((f"{each}/", f"{each}?", f"{each}#")) for each in origins
    )


def refusal(address: str, origins: Iterable[str]) -> str:
    """Return why an address is no return address. The words name no part of it, only a configured origin."""
    host = _host_of(origin_of(address))
    if near := next((each for each in origins if host and _host_of(each) == host), None):
        return f"it is on the host of {near}, with another scheme or port"
    return "its origin is not in RETURN_ORIGINS" if host else "it is no path that requires a login"


def _host_of(found: str | None) -> str | None:
    return urlsplit(found).hostname if found else None


def has_unsafe_characters(text: str) -> bool:
    """Return whether browsers drop or change a character (WHATWG URL: controls, spaces and backslashes)."""
    return any(char == "\\" or ord(char) < 0x21 or ord(char) == 0x7F for char in text)


def origin_of(address: str) -> str | None:
    """Return the origin of a URL as a browser writes it, or None if it has none."""
    if has_unsafe_characters(address):
        return None
    try:
        parts = urlsplit(address)
        return origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return None
