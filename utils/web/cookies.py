"""Cookies with strict attributes, and the cross-site check for requests with cookies."""

import logging
from typing import ParamSpec, TypeVar

from flask import after_this_request, request
from werkzeug import Response

from utils.errors import CrossSiteRefused
from utils.services import is_first, services

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger("auth")


def refuse_cross_site() -> None:
    """Raise `CrossSiteRefused` unless the request comes from the service's own origin (ASVS 3.5.1)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site == "same-origin"
    else:
        allowed = request.headers.get("Origin") == services().settings.public_url
    if not allowed:
        raise CrossSiteRefused
    _check_public_url()


def _check_public_url() -> None:
    """Log in each process the first call that shows that `PUBLIC_URL` is not the origin that people see.

    This happens if it is not set behind a proxy: mailed links lead to the wrong origin. Callers outside
    browsers can cause the line by any `Origin`, which is not logged.
    """
    settings, origin = services().settings, request.headers.get("Origin")
    known = (None, "null", settings.public_url, *settings.cors_origins, *settings.return_origins)
    if origin not in known and is_first("other_origin"):
        log.warning("pages used at another origin than PUBLIC_URL")


def set_cookie(name: str, value: str, age: int | None, *, domain: str | None = None) -> None:
    """Set a cookie on the response, for `age` seconds or as a session cookie (None).

    Without a `domain` it is of this host, and strict. With one, all hosts below the domain get it, and also
    when a person follows a link of another site (`Lax`).
    """
    site = "Lax" if domain else "Strict"

    @after_this_request
    def add(response: Response) -> Response:
        response.set_cookie(
            name, value, max_age=age, path="/", domain=domain, secure=True, httponly=True, samesite=site
        )
        return response


def delete_cookie(name: str, *, domain: str | None = None) -> None:
    """Delete a cookie that `set_cookie` set for this domain with the response."""
    site = "Lax" if domain else "Strict"

    @after_this_request
    def add(response: Response) -> Response:
        response.delete_cookie(name, path="/", domain=domain, secure=True, httponly=True, samesite=site)
        return response
