"""The helpers that every Flask developer looks for: passwords, tokens and the guard of a route.

They work inside an application context, with just the arguments shown here.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from flask import g, request

from utils.crypto import access_tokens
from utils.errors import TokenInvalid, TokenMalformed, TokenMissing
from utils.services import Principal, services
from utils.web.http import Guarded, documentation

P = ParamSpec("P")
R = TypeVar("R")


def hash_password(password: str) -> str:
    """A salted hash of the password, as `User.password_hash` stores it."""
    return services().hasher.hash(password)


def check_password(hashed_password: str, password: str) -> bool:
    """Whether the password is the hashed one; False also for a hash that cannot be read."""
    return services().hasher.check(hashed_password, password)


def generate_jwt_token(user_id: int) -> str:
    """An access token without a session: for scripts and tests. It cannot be logged out, only outlived.

    It ends with its lifetime, or when everything of the account is ended
    (`tokens_valid_after`), and it never counts as a fresh sign-in.
    """
    return access_tokens.sign(services(), user_id, None, services().clock.now())


def verify_jwt_token(token: str) -> int | None:
    """The user id in a genuine, unexpired token, else None. Asks no database: see `jwt_required`."""
    claims = access_tokens.read(services(), token)
    return claims.user_id if claims and claims.scope is None else None


def jwt_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let only bearers of a living access token through to the view.

    The view finds `request.user_id` (integer) and `g.principal`. A token of an ended
    session or a disabled user is refused at once, also by another process or after a
    restart. Raises the three 401s of the contract, with `WWW-Authenticate` (RFC 6750, 3), and
    the principal's `out_of_scope` where its scope does not open this view.
    """

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        principal = _admitted(bearer_token())
        if not principal:
            raise TokenInvalid
        if principal.scope not in {None, told.scope}:
            raise principal.out_of_scope
        g.principal = principal
        cast(Guarded, request).user_id = principal.user_id
        return view(*args, **kwargs)

    told = documentation(guarded)
    told.guarded = True
    return guarded


def allow_enrollment(view: Callable[P, R]) -> Callable[P, R]:
    """Open a guarded view also to tokens of the scope `ENROLLMENT`, which admit to nothing else."""
    documentation(view).scope = access_tokens.ENROLLMENT
    return view


def optional_principal() -> Principal | None:
    """The caller, if the call carries a living access token; for views that a link opens as well."""
    token = optional_bearer_token()
    return _admitted(token) if token else None


def _admitted(token: str) -> Principal | None:
    claims = access_tokens.read(services(), token)
    return services().admit(services(), claims) if claims else None


def bearer_token() -> str:
    """The token in the Authorization header. Raises `TokenMissing` or `TokenMalformed`."""
    header = request.headers.get("Authorization", "").strip(" \t")  # other white space is no part of HTTP
    if not header:
        raise TokenMissing
    scheme, _, token = header.partition(" ")
    token = token.strip(" \t")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise TokenMalformed
    return token


def optional_bearer_token() -> str | None:
    """The token in the Authorization header, if there is one in good form."""
    try:
        return bearer_token()
    except (TokenMissing, TokenMalformed):
        return None
