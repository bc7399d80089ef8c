"""Sessions over HTTP: refresh, log out, list and end."""

from typing import Any
from uuid import UUID

from flask import g

from auth import cookies
from auth.blueprint import auth_bp
from auth.sessions import lifecycle, outputs, rotation
from auth.sessions.inputs import RefreshToken
from utils.auth_helpers import jwt_required, optional_bearer_token
from utils.services import services
from utils.web.http import answers, client_info, count_call, limited
from utils.web.validation import takes

REFRESH_ERRORS = (
    "refresh_token_missing",
    "refresh_token_invalid",
    "refresh_token_expired",
    "refresh_token_reused",
)


@auth_bp.post("/refresh")
@answers(200, outputs.Tokens, errors=REFRESH_ERRORS)
@limited("refresh", by_flow=True)
@cookies.same_site_only
@takes(RefreshToken, optional=True)
def refresh(form: RefreshToken) -> Any:
    """Exchange a refresh token for a new pair.

    A refresh token is valid once. For 20 seconds, the last used one returns the same successor, so that
    concurrent tabs or a lost response do not end the session. Reuse of any older one ends it.
    """
    presented = cookies.presented(form.refresh_token)
    pair = rotation.refresh(services(), presented, client_info(), count_call)
    by_cookie = cookies.refresh_cookie() is not None
    if by_cookie:
        cookies.set_session_cookies(pair.refresh_token, pair.keep_until, pair.verify_token)
    return outputs.tokens(pair, in_body=not by_cookie)


@auth_bp.post("/logout")
@answers(204)
@limited("logout")
@cookies.same_site_only
@takes(RefreshToken, optional=True)
def logout(form: RefreshToken) -> Any:
    """End the session of the refresh token, the cookie or the Bearer token, even an expired one.

    The response is the same whether or not there was a session.
    """
    lifecycle.log_out(
        services(),
        refresh_tokens=cookies.presented(form.refresh_token),
        access_token=optional_bearer_token(),
        client=client_info(),
    )
    cookies.delete_session_cookies()


@auth_bp.get("/sessions")
@answers(200, outputs.Sessions, errors=("session_required",))
@limited("reads")
@jwt_required
def list_sessions() -> Any:
    """List the active sessions, last used first."""
    found = lifecycle.live_sessions(services(), g.principal)
    return outputs.sessions(found.rows, found.current, found.apps)


@auth_bp.delete("/sessions/<uuid:session_id>")
@answers(204, errors=("session_required", "reauth_required", "session_not_found", "not_found"))
@limited("session-changes")
@jwt_required
def end_session(session_id: UUID) -> Any:
    """End a session of the account. Its tokens are refused immediately.

    Requires a login within the last 10 minutes, unless it is the calling session.
    """
    lifecycle.end_one(services(), g.principal, session_id, client_info())
    if session_id == g.principal.session_id:
        cookies.delete_session_cookies()


@auth_bp.post("/sessions/revoke-others")
@answers(200, outputs.EndedSessions, errors=("session_required", "reauth_required"))
@limited("session-changes")
@jwt_required
def end_other_sessions() -> Any:
    """End all sessions except the calling one. Requires a login within the last 10 minutes."""
    return outputs.ended(lifecycle.end_others(services(), g.principal, client_info()))
