"""HTTP around a view: the answer's status and shape, the caller's facts, and the headers on everything."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from flask import Flask, Response, g, jsonify, make_response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Settings
from utils.client_info import ClientInfo, canonical_address, printable
from utils.errors import TooManyRequests
from utils.services import services

P = ParamSpec("P")
R = TypeVar("R")

MAX_BODY = 64 * 1024
PEER = "auth.peer_address"


@dataclass(slots=True)
class Documentation:
    """What a view's decorators know of it; the API description is made from this."""

    status: int = 200
    output: type | None = None
    also: tuple[int, type] | None = None
    errors: tuple[str, ...] = ()
    body: type | None = None
    body_optional: bool = False
    query: type | None = None
    guarded: bool = False
    scope: str | None = None  # a restricted token of this scope is admitted as well
    cookie: bool = False
    limit: str | None = None
    unlimited_reason: str | None = None


def documentation(view: Callable[..., Any]) -> Documentation:
    """The view's documentation, shared by all the decorators around it."""
    found: Documentation = view.__dict__.setdefault("documentation", Documentation())
    return found


class AuthenticatedRequest(Protocol):
    """A request that `jwt_required` let through."""

    user_id: int


def answers(
    status: int,
    output: type | None = None,
    *,
    also: tuple[int, type] | None = None,
    errors: tuple[str, ...] = (),
) -> Callable[[Callable[P, Any]], Callable[P, Response]]:
    """The answer of a view: its status, the type of its body, and the codes it may refuse with.

    A view that `also` has another answer returns that one as a pair of body and status.
    """

    def decorate(view: Callable[P, Any]) -> Callable[P, Response]:
        @functools.wraps(view)
        def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
            result = view(*args, **kwargs)
            if output is None:
                response = make_response("", status)
                response.headers.pop("Content-Type", None)
                response.headers.update(result or {})  # what an answer without a body says
                return response
            body, code = result if isinstance(result, tuple) else (result, status)
            return make_response(jsonify(body), code)

        docs = documentation(answered)
        docs.status, docs.output, docs.also, docs.errors = status, output, also, errors
        return answered

    return decorate


def limited(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Count the call against the policy of this name, for the caller's network. Raises `TooManyRequests`."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                verdict = services().limiter.check(name, client_info().network)
            except TooManyRequests:
                services().refusal_delay.hold()
                raise
            if verdict:
                g.rate_limit_headers = verdict.headers
            return view(*args, **kwargs)

        documentation(counted).limit = name
        return counted

    return decorate


def unlimited(because: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say why a route has no rate limit; every route has one or the other."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        documentation(view).unlimited_reason = because
        return view

    return decorate


def client_info() -> ClientInfo:
    """The facts of the current request, as plain values for the flows."""
    return ClientInfo(
        address=canonical_address(request.remote_addr),
        user_agent=printable(request.headers.get("User-Agent", "")),
        request_id=g.request_id,
    )


def _security_headers(settings: Settings) -> dict[str, str]:
    """Headers for answers that are data and never a page (OWASP REST Security; ASVS 3.4)."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(
            f"{name} 'none'" for name in ("default-src", "base-uri", "form-action", "frame-ancestors")
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return headers


def _with_proxy_fix(wsgi_app: Any, hops: int) -> Any:
    """Take the caller's address from the last `hops` entries of X-Forwarded-For, and from nowhere else.

    Without a usable entry the caller has no address: it must not pass for the proxy.
    """
    fixed = ProxyFix(wsgi_app, x_for=hops, x_proto=0)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        environ[PEER] = environ.get("REMOTE_ADDR")
        environ["REMOTE_ADDR"] = ""
        return fixed(environ, start_response)

    return application


def peer_address() -> str:
    """The address at the other end of the connection, whoever it calls for."""
    return request.environ.get(PEER, request.remote_addr) or ""


def init_http(app: Flask, settings: Settings) -> None:
    """Cap bodies, believe as many proxies as there are, and put the security headers on every answer."""
    # One more than is allowed: a body without a length is cut off there, and must be seen to be too long.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY + 1
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # that would answer with a redirect to the host of the request
    if settings.trusted_proxies:
        app.wsgi_app = _with_proxy_fix(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    headers = _security_headers(settings)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in (headers | g.get("rate_limit_headers", {})).items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = g.request_id
        return response
