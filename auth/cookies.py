"""The cookies of an account (refresh, challenge, device, sign-up, verify) and the delivery of tokens."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from flask import after_this_request, request
from werkzeug import Response

from auth.tokens import VERIFY_SECONDS
from utils.services import services
from utils.web.cookies import P, R, delete_cookie, refuse_cross_site, set_cookie
from utils.web.http import documentation, reads_header

REFRESH_COOKIE = "__Host-refresh"
CHALLENGE_COOKIE = "__Host-challenge"
DEVICE_COOKIE = "__Host-device"
SIGN_UP_COOKIE = "__Host-signup"
VERIFY_COOKIE = "__Secure-verify"  # of all hosts below the domain of the setting `VERIFY_COOKIE`
DEVICE_HEADER = "X-Device-Token"
DEVICE_SECONDS = 365 * 24 * 60 * 60


def refresh_cookie() -> str | None:
    """Return the refresh token that came as a cookie, or None."""
    return request.cookies.get(REFRESH_COOKIE) or None


def verify_cookie() -> str | None:
    """Return the verify cookie of the call, or None."""
    return request.cookies.get(VERIFY_COOKIE)


def challenge_cookie() -> str | None:
    """Return the challenge of a pending login that came as a cookie, or None."""
    return request.cookies.get(CHALLENGE_COOKIE) or None


def sign_up_cookie() -> str | None:
    """Return the token of the browser that signed up, which came as a cookie, or None."""
    return request.cookies.get(SIGN_UP_COOKIE) or None


def set_sign_up_cookie(token: str, seconds: int) -> None:
    """Set the cookie of a sign-up."""
    set_cookie(SIGN_UP_COOKIE, token, seconds)


def delete_sign_up_cookie() -> None:
    """Delete the cookie of a sign-up, if the call has one."""
    if sign_up_cookie():
        delete_cookie(SIGN_UP_COOKIE)


def presented(in_body: str | None) -> tuple[str, ...]:
    """Return every refresh token that the call presents: in its body, and as its cookie."""
    return tuple(token for token in (in_body, refresh_cookie()) if token)


def of_earlier_access(in_body: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the refresh tokens and the device tokens of the call, as cookies, header or in its body."""
    devices = (request.cookies.get(DEVICE_COOKIE), request.headers.get(DEVICE_HEADER))
    return presented(in_body), tuple(token for token in devices if token)


def reads_device_token(view: Callable[P, R]) -> Callable[P, R]:
    """Declare that a view reads the header with the device token. Decorator for views."""
    about = "The `device_token` of an earlier login, from callers without cookies. Others are ignored."
    return reads_header(DEVICE_HEADER, about)(view)


def same_site_only(view: Callable[P, R]) -> Callable[P, R]:
    """Check the origin of a call with the refresh or device cookie before its body is parsed (ASVS 3.5.1)."""

    @functools.wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if refresh_cookie() or request.cookies.get(DEVICE_COOKIE):
            refuse_cross_site()
        return view(*args, **kwargs)

    documentation(checked).cookie = True
    return checked


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a login delivers its tokens: as cookies, or in the body and headers."""

    by_cookie: bool

    @classmethod
    def choose(cls, *, by_cookie: bool) -> Self:
        """Raises `CrossSiteRefused` if the call asks for cookies and comes from another site."""
        if by_cookie:
            refuse_cross_site()
        return cls(by_cookie)

    @property
    def device_token(self) -> str | None:
        """The device token of the call: its cookie or its header, never both."""
        return request.cookies.get(DEVICE_COOKIE) if self.by_cookie else request.headers.get(DEVICE_HEADER)

    @property
    def replaces(self) -> str | None:
        """The refresh token of the session that a login over cookies replaces."""
        return refresh_cookie() if self.by_cookie else None

    def set_login_cookies(
        self,
        refresh_token: str,
        keep_until: datetime | None,
        verify_token: str | None,
        device_token: str,
    ) -> None:
        """Set the cookies of a completed login, if cookies deliver it."""
        if self.by_cookie:
            set_session_cookies(refresh_token, keep_until, verify_token)
            set_cookie(DEVICE_COOKIE, device_token, DEVICE_SECONDS)

    def set_challenge_cookie(self, challenge_token: str, seconds: int) -> None:
        """Set the cookie of a pending login, if cookies deliver it. It is also set on a refusal."""
        if self.by_cookie:
            set_cookie(CHALLENGE_COOKIE, challenge_token, seconds)

    def delete_challenge_cookie(self) -> None:
        """Delete the cookie of a login that is no longer pending."""
        if self.by_cookie:
            delete_cookie(CHALLENGE_COOKIE)


def device_token() -> str | None:
    """Return the device token of a call that proves itself otherwise: its header, or its cookie."""
    return request.headers.get(DEVICE_HEADER) or request.cookies.get(DEVICE_COOKIE)


def set_session_cookies(refresh_token: str, keep_until: datetime | None, verify_token: str | None) -> None:
    """Set the cookies of a session. No other function does.

    The refresh cookie is kept until `keep_until`, or for the browser's session if that is None. There is a
    verify token if `VERIFY_COOKIE` is set.
    """
    age = None
    if keep_until is not None:
        age = int((keep_until - services().clock.now()).total_seconds())
    set_cookie(REFRESH_COOKIE, refresh_token, age)
    if verify_token:
        set_cookie(VERIFY_COOKIE, verify_token, VERIFY_SECONDS, domain=services().settings.verify_cookie)


def delete_session_cookies() -> None:
    """Delete the cookies of a session that the call has, and the browser's cached answers (ASVS 14.3.1)."""
    domain = services().settings.verify_cookie
    if domain and (verify_cookie() or refresh_cookie()):
        delete_cookie(VERIFY_COOKIE, domain=domain)
    if not refresh_cookie():
        return
    delete_cookie(REFRESH_COOKIE)

    @after_this_request
    def clear_cache(response: Response) -> Response:
        response.headers["Clear-Site-Data"] = '"cache"'
        return response
