"""Cookies with strict attributes, and the cross-site check for requests with cookies."""

from typing import ParamSpec, TypeVar

from flask import after_this_request, request
from werkzeug import Response

from utils.errors import CrossSiteRefused
from utils.services import services

P = ParamSpec("P")
R = TypeVar("R")


def refuse_cross_site() -> None:
    """Raise `CrossSiteRefused` unless the request comes from the service's own origin (ASVS 3.5.1)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site == "same-origin"
    else:
        allowed = request.headers.get("Origin") == services().settings.public_url
    if not allowed:
        raise CrossSiteRefused


def set_cookie(name: str, value: str, age: int | None) -> None:
    """Set a strict cookie on the response, for `age` seconds or as a session cookie (None)."""

    @after_this_request
    def add(response: Response) -> Response:
        response.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="Strict")
        return response


def delete_cookie(name: str) -> None:
    """Delete a strict cookie with the response."""

    @after_this_request
    def add(response: Response) -> Response:
        response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="Strict")
        return response
