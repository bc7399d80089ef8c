"""Sites that a proxy guards with `GET /auth/verify` and the verify cookie, for people with a browser.

The proxy tells of the request that it holds: its method, its URL, and the `Origin` that the browser sent.
"""

from typing import NamedTuple
from urllib.parse import urlencode

from auth import tokens
from config import Settings
from utils.services import Claims, Services
from utils.web.return_addresses import is_on, origin_of

READS = frozenset({"GET", "HEAD"})


class HeldRequest(NamedTuple):
    """What the proxy tells of the request to the site; None for a header that it did not send."""

    method: str | None  # X-Original-Method
    url: str | None  # X-Original-URL
    origin: str | None  # X-Original-Origin


def claims(services: Services, cookie: str | None, held: HeldRequest) -> Claims | None:
    """Return what the cookie says, if `VERIFY_COOKIE` is set and it may open this request, else None."""
    if services.settings.verify_cookie is None or cookie is None or not may_use_cookie(held):
        return None
    return tokens.read_verify(services, cookie)


def may_use_cookie(held: HeldRequest) -> bool:
    """Return whether the cookie may open this request: browsers also send it to requests of other sites.

    Only a request that reads does without an origin; any other comes from the site itself (ASVS 3.5.1). A
    request whose method is unknown is refused.
    """
    if held.method is None:
        return False
    if held.method in READS:
        return True
    if held.origin is None or held.url is None:
        return False
    return held.origin == origin_of(held.url)


def login_address(settings: Settings, held: HeldRequest) -> str | None:
    """Return where a person without a session logs in, if the URL is on an origin of `RETURN_ORIGINS`."""
    if settings.verify_cookie is None or held.url is None or not held.url.isascii():
        return None
    if not is_on(held.url, settings.return_origins):
        return None
    return f"{settings.public_url}/login?{urlencode({'next': held.url})}"
