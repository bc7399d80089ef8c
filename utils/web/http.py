"""Decorators of views (response, rate limit), and facts of the request."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from flask import Flask, Response, jsonify, make_response, request  # noqa: TID251  (`answers`)

from config import Settings
from utils.client_info import ClientInfo, canonical_address, printable, subjects_of
from utils.errors import (
    BadRequest,
    CrossSiteRefused,
    PayloadTooLarge,
    TooManyRequests,
    UnsupportedMediaType,
)
from utils.limits.rate_limits import Subjects
from utils.request_record import record_of, request_record
from utils.services import services
from utils.web.client_address import PEER, with_client_address

P = ParamSpec("P")
R = TypeVar("R")

MAX_BODY = 64 * 1024


@dataclass(slots=True)
class Documentation:
    """The documentation of a view, set by its decorators. The API description is generated from it."""

    status: int = 200
    output: type | None = None
    also: tuple[int, type] | None = None
    errors: tuple[str, ...] = ()
    body: type | None = None
    body_optional: bool = False
    query: type | None = None
    headers: dict[str, str] = field(default_factory=dict)  # optional ones of requests: what each is
    form: type | None = None
    guarded: bool = False
    scope: str | None = None  # restricted tokens of this scope are accepted as well
    permissions: frozenset[str] = frozenset()  # those that are required
    api_tokens: bool = False  # API tokens are accepted, where permissions are required
    reads_roles: bool = False
    cookie: bool = False
    verify_cookie: bool = False  # the verify cookie is accepted in place of a token
    any_origin: bool = False  # pages of every origin may read the answers
    limit: str | None = None
    unlimited_reason: str | None = None


def documentation(view: Callable[..., Any]) -> Documentation:
    """Return the documentation of a view, shared by all its decorators."""
    found: Documentation = view.__dict__.setdefault("documentation", Documentation())
    return found


class AuthenticatedRequest(Protocol):
    """A request with a valid access token."""

    user_id: int


def answers(
    status: int,
    output: type | None = None,
    *,
    also: tuple[int, type] | None = None,
    errors: tuple[str, ...] = (),
) -> Callable[[Callable[P, Any]], Callable[P, Response]]:
    """Declare the response of a view: status, type of the body and error codes. Decorator for views.

    `also` declares a second successful response; the view returns it as a pair of body and status. A view
    may also return a response that sends its body in chunks.
    """

    def decorate(view: Callable[P, Any]) -> Callable[P, Response]:
        @functools.wraps(view)
        def responding(*args: P.args, **kwargs: P.kwargs) -> Response:
            result = view(*args, **kwargs)
            if isinstance(result, Response):
                return result
            if output is None:
                response = make_response("", status)
                response.headers.pop("Content-Type", None)
                response.headers.update(result or {})  # a view without a body may return headers
                return response
            body, code = result if isinstance(result, tuple) else (result, status)
            return make_response(jsonify(body), code)

        docs = documentation(responding)
        docs.status, docs.output, docs.also, docs.errors = status, output, also, errors
        return responding

    return decorate


def reads_header(name: str, about: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare that a view reads this header of the request, if it is sent. Decorator for views."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        documentation(view).headers[name] = about
        return view

    return decorate


# What is refused before a view with `limited(..., by_flow=True)` knows whose call it is.
_MALFORMED = (BadRequest, PayloadTooLarge, UnsupportedMediaType, CrossSiteRefused)


def limited(name: str, *, by_flow: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Apply a rate-limit policy to the client's networks. Decorator; the view raises `TooManyRequests`.

    With `by_flow` the view passes `count_call` to its flow, which counts when it knows the subject. Malformed
    calls do not get there, and are counted here.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            if by_flow:
                try:
                    return view(*args, **kwargs)
                except _MALFORMED:
                    count_call(name, client_subjects())
                    raise
            count_call(name, client_subjects())
            return view(*args, **kwargs)

        documentation(counted).limit = name
        return counted

    return decorate


def count_call(name: str, subject: Subjects, *, visible: bool = True) -> None:
    """Count the request against a policy; the response shows the count if `visible`.

    Raises `TooManyRequests` after a delay: the caller must not hold a database connection.
    """
    try:
        verdict = services().limiter.check(name, subject, visible=visible)
    except TooManyRequests:
        services().refusal_delay.hold()
        raise
    if verdict and visible:
        request_record().headers = verdict.headers


def unlimited(because: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare why a view has no rate limit. Every view has `limited` or `unlimited`."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        documentation(view).unlimited_reason = because
        return view

    return decorate


def client_info() -> ClientInfo:
    """Return address, user agent and id of the current request."""
    environ = request.environ
    return ClientInfo(
        address=canonical_address(environ.get("REMOTE_ADDR")),
        user_agent=printable(environ.get("HTTP_USER_AGENT", "")),
        request_id=record_of(environ).id,
    )


def client_subjects() -> Subjects:
    """Return the subjects of rate limits of the current request: the client's networks."""
    return subjects_of(canonical_address(request.remote_addr))


def peer_address() -> str:
    """Return the address of the connection: of the proxy, if there is one."""
    return request.environ.get(PEER, request.remote_addr) or ""


def init_http(app: Flask, settings: Settings) -> None:
    """Limit request bodies, and read the address from the trusted proxies."""
    # One more than allowed: a body without a length is truncated there, and must be seen to be too long.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY + 1
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # else Werkzeug redirects to the Host of the request
    if settings.trusted_proxies:
        header, hops = settings.client_address_header, settings.trusted_proxies
        app.wsgi_app = with_client_address(app.wsgi_app, header, hops)  # type: ignore[method-assign]
