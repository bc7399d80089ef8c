"""Helpers for Flask views: password hashing, access tokens, `jwt_required` and `requires`.

All of them need an application context.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from flask import g, request

from utils.crypto import access_tokens, api_tokens
from utils.errors import (
    PermissionMissing,
    ReauthRequired,
    SessionRequired,
    TokenInvalid,
    TokenMalformed,
    TokenMissing,
)
from utils.permissions import is_permission
from utils.request_record import request_record
from utils.services import Claims, Principal, Reading, services
from utils.web.http import AuthenticatedRequest, Documentation, documentation

P = ParamSpec("P")
R = TypeVar("R")


def hash_password(password: str) -> str:
    """Return a salted hash of the password, for `User.password_hash`. Raises `Busy`."""
    return services().hasher.hash(password)


def check_password(hashed_password: str, password: str) -> bool:
    """Return whether the password matches the hash; False for an unreadable hash. Raises `Busy`."""
    return services().hasher.check(hashed_password, password)


def generate_jwt_token(user_id: int) -> str:
    """Return an access token without a session, for scripts and tests.

    It cannot be revoked individually. It expires after `JWT_ACCESS_TOKEN_EXPIRES` seconds, or when all tokens
    of the account are revoked (`tokens_valid_after`). It never counts as a recent login.
    """
    return access_tokens.sign(services(), user_id, None, services().clock.now())


def verify_jwt_token(token: str) -> int | None:
    """Return the user id of a valid access token, or None. Reads no database; see `jwt_required`."""
    claims = access_tokens.read(services(), token)
    return claims.user_id if claims and claims.scope is None else None


def jwt_required(view: Callable[P, R]) -> Callable[P, R]:
    """Require a valid access token whose session has not ended. Decorator for views.

    Sets `request.user_id` (an integer) and `g.principal`. Ended sessions and disabled users are read from the
    database on each request, so that they are refused immediately by every process. Raises `TokenMissing`,
    `TokenMalformed` or `TokenInvalid` (401 with `WWW-Authenticate`; RFC 6750, 3), the principal's
    `out_of_scope` if the scope of the token does not include this view, and `SessionRequired` for an API
    token, which opens only views that name the permissions that they want.
    """
    return _guarded(view)


def requires(*permissions: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a valid token whose owner has all these permissions now. Decorator for views.

    Does all that `jwt_required` does, and accepts API tokens as well, whose own permissions must include
    these. `g.principal.permissions` has all permissions that count in this call (a frozenset). They are read
    by the statement that admits the token, so that a change counts with the next call. Raises
    `PermissionMissing` (403; RFC 6750, 3.1), or `ReauthRequired` with `by_factor` if a permission of this
    service is there but no second factor was proven in this session. Raises `ValueError` at import for a
    permission that is not of the form `thing:verb`.
    """
    wanted = frozenset(permissions)
    if not wanted or not all(map(is_permission, wanted)):
        raise ValueError("name at least one permission of the form thing:verb")
    return requires_of_call(lambda: wanted, scope=wanted)


def requires_of_call(
    wanted: Callable[[], frozenset[str] | None],
    *,
    scope: frozenset[str] = frozenset(),
    refused: Callable[[frozenset[str]], None] | None = None,
    by_cookie: Callable[[], Claims | None] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require the permissions that `wanted` returns for each call; None is none, as with `jwt_required`.

    `scope` are those that the refusal names. `refused` is called with those that are missing. A call without
    an Authorization header may prove a session by a cookie: `by_cookie` returns what it says, or None.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        return _guarded(view, wanted, scope, refused, by_cookie)

    return decorate


def reads_roles(view: Callable[P, R]) -> Callable[P, R]:
    """Have `g.principal` tell roles and permissions. Decorator for views with `jwt_required`."""
    documentation(view).reads_roles = True
    return view


def _guarded(
    view: Callable[P, R],
    wanted: Callable[[], frozenset[str] | None] | None = None,
    scope: frozenset[str] = frozenset(),
    refused: Callable[[frozenset[str]], None] | None = None,
    by_cookie: Callable[[], Claims | None] | None = None,
) -> Callable[P, R]:
    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        claims = by_cookie() if by_cookie and "Authorization" not in request.headers else None
        offered = claims or bearer_token()
        permissions = wanted() if wanted else None
        principal = _admitted_to(docs, offered, permissions)
        try:
            if principal.scope not in {None, docs.scope}:
                raise principal.out_of_scope
            if permissions and (missing := permissions - principal.permissions):
                if refused:
                    refused(missing)
                if missing <= principal.withheld:
                    raise ReauthRequired(by_factor=True)
                raise PermissionMissing(scope)
            g.principal = principal
            request_record().user_id = principal.user_id
            cast(AuthenticatedRequest, request).user_id = principal.user_id
            return view(*args, **kwargs)
        finally:
            if principal.note_use:
                principal.note_use()

    docs = documentation(guarded)
    docs.guarded = True
    docs.permissions = scope
    docs.api_tokens = wanted is not None
    docs.verify_cookie = by_cookie is not None
    return guarded


def _admitted_to(docs: Documentation, offered: str | Claims, permissions: frozenset[str] | None) -> Principal:
    """Return the principal of a token, or of what a cookie says.

    Raises `TokenInvalid` or `SessionRequired`.
    """
    is_api_token = isinstance(offered, str) and api_tokens.has_prefix(offered)
    if isinstance(offered, str) and is_api_token:
        principal = services().admit_api_token(services(), offered)
    elif permissions is not None:
        principal = _admitted(offered, Reading.PERMISSIONS)
    else:
        principal = _admitted(offered, Reading.ROLES if docs.reads_roles else Reading.ACCOUNT)
    if principal is None:
        raise TokenInvalid
    if is_api_token and permissions is None:
        raise SessionRequired
    return principal


def allow_enrollment(view: Callable[P, R]) -> Callable[P, R]:
    """Accept restricted tokens of the scope `ENROLLMENT` as well. Decorator for views with `jwt_required`."""
    documentation(view).scope = access_tokens.ENROLLMENT
    return view


def optional_principal() -> Principal | None:
    """Return the principal of a valid access token, or None. For views that also accept a mailed link."""
    token = optional_bearer_token()
    return _admitted(token) if token else None


def presented_principal() -> Principal | None:
    """Return the principal of the access token, or None if the call has none.

    For views that anybody may call, and that answer otherwise to people who are logged in. Raises
    `TokenMalformed` and `TokenInvalid`. A restricted token is let in: the flow decides what it opens.
    """
    if not request.headers.get("Authorization", "").strip(" \t"):
        return None
    principal = _admitted(bearer_token())
    if principal is None:
        raise TokenInvalid
    g.principal = principal
    request_record().user_id = principal.user_id
    return principal


def _admitted(offered: str | Claims, reading: Reading = Reading.ACCOUNT) -> Principal | None:
    claims = access_tokens.read(services(), offered) if isinstance(offered, str) else offered
    return services().admit(services(), claims, reading) if claims else None


def bearer_token() -> str:
    """Return the token of the Authorization header. Raises `TokenMissing` or `TokenMalformed`."""
    header = request.headers.get("Authorization", "").strip(" \t")  # HTTP allows no other white space
    if not header:
        raise TokenMissing
    scheme, _, token = header.partition(" ")
    token = token.strip(" \t")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise TokenMalformed
    return token


def optional_bearer_token() -> str | None:
    """Return the token of the Authorization header, or None if it is missing or malformed."""
    try:
        return bearer_token()
    except (TokenMissing, TokenMalformed):
        return None
