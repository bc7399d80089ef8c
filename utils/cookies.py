"""Cookies: refresh token, challenge, device mark; and the cross-site check that a call with them must pass.

A cookie call sends a cookie as its credential or asks for one. Calls with tokens in the
body or in a header cannot be forged by another site and are not checked.
"""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import ParamSpec, TypeVar

from flask import after_this_request, request
from werkzeug import Response

from utils.errors import CrossSiteRefused
from utils.http import documentation
from utils.services import services

REFRESH_COOKIE = "__Host-refresh"
CHALLENGE_COOKIE = "__Host-challenge"
DEVICE_COOKIE = "__Host-device"
DEVICE_HEADER = "X-Device-Token"
DEVICE_SECONDS = 365 * 24 * 60 * 60
P = ParamSpec("P")
R = TypeVar("R")


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


def refuse_cross_site() -> None:
    """Let only the service's own pages through. Raises `CrossSiteRefused` (ASVS 3.5.1)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site == "same-origin"
    else:
        allowed = request.headers.get("Origin") == services().settings.public_url
    if not allowed:
        raise CrossSiteRefused


def deliver_refresh_cookie(token: str, keep_until: datetime | None) -> None:
    """Set the cookie on the answer: until `keep_until`, or for the browser's session if that is None."""

    age = None
    if keep_until is not None:
        age = int((keep_until - services().clock.now()).total_seconds())
    _deliver(REFRESH_COOKIE, token, age)


def presented_device_mark(*, by_cookie: bool) -> str | None:
    """The mark of the device that calls: its cookie where the call is one with cookies, else its header."""
    return request.cookies.get(DEVICE_COOKIE) if by_cookie else request.headers.get(DEVICE_HEADER)


def deliver_device_cookie(mark: str) -> None:
    """Set the mark on the answer. It opens nothing, and stays when the session ends."""
    _deliver(DEVICE_COOKIE, mark, DEVICE_SECONDS)


def challenge_cookie() -> str | None:
    """The challenge of a sign-in that waits for its second factor, if it came as a cookie."""
    return request.cookies.get(CHALLENGE_COOKIE) or None


def deliver_challenge_cookie(token: str, seconds: int) -> None:
    """Set the challenge on the answer, also where that is a refusal."""
    _deliver(CHALLENGE_COOKIE, token, seconds)


def forget_challenge_cookie() -> None:
    """Take the challenge back: it is used."""
    _forget(CHALLENGE_COOKIE)


def _deliver(name: str, value: str, age: int | None) -> None:
    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="Strict")
        return response


def forget_refresh_cookie() -> None:
    """Take the cookie back, and what the browser kept of our answers (ASVS 14.3.1)."""
    _forget(REFRESH_COOKIE)

    @after_this_request
    def clear_cache(response: Response) -> Response:
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


def _forget(name: str) -> None:
    @after_this_request
    def delete_cookie(response: Response) -> Response:
        response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="Strict")
        return response
