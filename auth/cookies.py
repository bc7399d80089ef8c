"""The cookies of an account: refresh token, challenge, device token."""

import functools
from collections.abc import Callable
from datetime import datetime

from flask import after_this_request, request
from werkzeug import Response

from utils.services import services
from utils.web.cookies import P, R, delete_cookie, refuse_cross_site, set_cookie
from utils.web.http import documentation

REFRESH_COOKIE = "__Host-refresh"
CHALLENGE_COOKIE = "__Host-challenge"
DEVICE_COOKIE = "__Host-device"
DEVICE_HEADER = "X-Device-Token"
DEVICE_SECONDS = 365 * 24 * 60 * 60


def refresh_cookie() -> str | None:
    """The refresh token that came as a cookie, if any."""
    return request.cookies.get(REFRESH_COOKIE) or None


def presented(in_body: str | None) -> tuple[str, ...]:
    """Every refresh token that the call presents: in its body, and as its cookie."""
    return tuple(token for token in (in_body, refresh_cookie()) if token)


def same_site_only(view: Callable[P, R]) -> Callable[P, R]:
    """Check the call's origin before its body is looked at, if it carries the refresh cookie."""

    @functools.wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if refresh_cookie():
            refuse_cross_site()
        return view(*args, **kwargs)

    documentation(checked).cookie = True
    return checked


def deliver_refresh_cookie(token: str, keep_until: datetime | None) -> None:
    """Set the cookie on the answer: until `keep_until`, or for the browser's session if that is None."""

    age = None
    if keep_until is not None:
        age = int((keep_until - services().clock.now()).total_seconds())
    set_cookie(REFRESH_COOKIE, token, age)


def presented_device_mark(*, by_cookie: bool) -> str | None:
    """The mark of the device that calls: its cookie where the call is one with cookies, else its header."""
    return request.cookies.get(DEVICE_COOKIE) if by_cookie else request.headers.get(DEVICE_HEADER)


def deliver_device_cookie(mark: str) -> None:
    """Set the mark on the answer. It opens nothing, and stays when the session ends."""
    set_cookie(DEVICE_COOKIE, mark, DEVICE_SECONDS)


def challenge_cookie() -> str | None:
    """The challenge of a sign-in that waits for its second factor, if it came as a cookie."""
    return request.cookies.get(CHALLENGE_COOKIE) or None


def deliver_challenge_cookie(token: str, seconds: int) -> None:
    """Set the challenge on the answer, also where that is a refusal."""
    set_cookie(CHALLENGE_COOKIE, token, seconds)


def forget_challenge_cookie() -> None:
    """Take the challenge back: it is used."""
    delete_cookie(CHALLENGE_COOKIE)


def forget_refresh_cookie() -> None:
    """Take the cookie back, and what the browser kept of our answers (ASVS 14.3.1)."""
    delete_cookie(REFRESH_COOKIE)

    @after_this_request
    def clear_cache(response: Response) -> Response:
        response.headers["Clear-Site-Data"] = '"cache"'
        return response
