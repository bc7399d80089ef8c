"""Security headers of the pages, and where a login leads."""

from collections.abc import Iterable

from flask import Response

from utils.web.return_addresses import is_return_address

DEFAULT_NEXT = "/account"
# No inline styles or scripts (ASVS 3.4.3).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    # Under `no-referrer` a form sends `Origin: null`, which the cross-site check refuses.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def safe_next(given: str | None, origins: Iterable[str] = ()) -> str:
    """Return where to go after a login: `given` as it came if it is a return address, else `DEFAULT_NEXT`."""
    return given if given is not None and is_return_address(given, origins) else DEFAULT_NEXT


def add_page_headers(response: Response) -> Response:
    """Set the security headers of HTML responses."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
