"""Sessions over HTTP: sign in, renew, sign out, and look after one's devices."""

from typing import Any
from uuid import UUID

from flask import g

from auth import auth_bp, factor_outputs, outputs, session_outputs
from auth.flows import second_factor, sessions, sign_in
from auth.flows.steps.challenges import Challenge, required
from auth.flows.steps.second_factors import Given
from auth.inputs import LINK_REFUSALS, Credentials, Link, Proof, RefreshToken, SecondStep
from utils import cookies
from utils.auth_helpers import for_setting_up, jwt_required, optional_bearer_token
from utils.http import answers, client_info, limited
from utils.services import services
from utils.validation import takes

REFRESH_ERRORS = (
    "refresh_token_missing",
    "refresh_token_invalid",
    "refresh_token_expired",
    "refresh_token_reused",
)


@auth_bp.post("/login")
@answers(
    200,
    outputs.SignedIn,
    errors=(
        "invalid_credentials",
        "second_factor_required",
        "email_not_verified",
        "cross_site_refused",
        "busy",
    ),
)
@limited("login")
@takes(Credentials)
def login(form: Credentials) -> Any:
    """Sign in with a user name or an address, and a password.

    `token_delivery: cookie` puts the refresh token into the `__Host-refresh` cookie
    instead of the body, for pages of the same origin, and takes the place of the
    session that such a cookie held before.

    Hand back `device_token` at later sign-ins, as the header `X-Device-Token`: a device that
    was not seen before is told to the owner by mail. Pages have it as a cookie.

    An account with a second factor answers 401 `second_factor_required` to the right password, with
    `challenge_token` and `methods` for `POST /auth/login/second-factor`.
    """
    by_cookie = form.token_delivery == "cookie"
    if by_cookie:
        cookies.refuse_cross_site()
    done = sign_in.with_password(
        services(),
        login=form.login,
        password=form.password.get_secret_value(),
        remember=form.remember,
        client=client_info(),
        device_mark=cookies.presented_device_mark(by_cookie=by_cookie),
        replaces=cookies.refresh_cookie() if by_cookie else None,
    )
    if isinstance(done, Challenge):
        if by_cookie:
            cookies.deliver_challenge_cookie(done.token, done.expires_in)
        raise required(done, in_body=not by_cookie)
    return outputs.session_begun(done.account, done.tokens, done.device_mark, by_cookie=by_cookie)


@auth_bp.post("/login/second-factor")
@answers(
    200,
    outputs.SignedIn,
    errors=("challenge_invalid", "challenge_expired", "second_factor_invalid", "cross_site_refused"),
)
@limited("login")
@takes(SecondStep)
def complete_login(form: SecondStep) -> Any:
    """Complete a sign-in with its second factor: a code, a passkey, or a recovery code.

    `trust_device` lets this device do without for 30 days; its password is asked all the same. After ten
    wrong codes in 15 minutes, over all challenges, every one is refused for 15.
    """
    by_cookie = form.challenge_token is None and cookies.challenge_cookie() is not None
    if by_cookie:
        cookies.refuse_cross_site()
    done = second_factor.sign_in(
        services(),
        challenge_token=form.challenge_token or cookies.challenge_cookie() or "",
        given=Given(form.code, form.recovery_code, form.passkey),
        trust_device=form.trust_device,
        client=client_info(),
        device_mark=cookies.presented_device_mark(by_cookie=by_cookie),
        replaces=cookies.refresh_cookie() if by_cookie else None,
    )
    if by_cookie:
        cookies.forget_challenge_cookie()
    return outputs.session_begun(done.account, done.tokens, done.device_mark, by_cookie=by_cookie)


@auth_bp.post("/refresh")
@answers(200, outputs.Tokens, errors=REFRESH_ERRORS)
@limited("refresh")
@cookies.same_site_only
@takes(RefreshToken, optional=True)
def refresh(form: RefreshToken) -> Any:
    """Exchange a refresh token for a new pair.

    A refresh token works once. For 20 seconds the one just used still answers with the
    same successor, so that two tabs or a lost answer log nobody out; any older one ends
    the session.
    """
    pair = sessions.refresh(services(), cookies.presented(form.refresh_token), client_info())
    by_cookie = cookies.refresh_cookie() is not None
    if by_cookie:
        cookies.deliver_refresh_cookie(pair.refresh_token, pair.keep_until)
    return outputs.tokens(pair, in_body=not by_cookie)


@auth_bp.post("/logout")
@answers(204)
@limited("logout")
@cookies.same_site_only
@takes(RefreshToken, optional=True)
def logout(form: RefreshToken) -> Any:
    """End the session of the refresh token, the cookie or the Bearer token, even an expired one.

    The answer is the same whether or not there was a session to end.
    """
    sessions.sign_out(
        services(),
        refresh_tokens=cookies.presented(form.refresh_token),
        access_token=optional_bearer_token(),
        client=client_info(),
    )
    if cookies.refresh_cookie():
        cookies.forget_refresh_cookie()


@auth_bp.get("/sessions")
@answers(200, session_outputs.Sessions, errors=("session_required",))
@limited("reads")
@jwt_required
def list_sessions() -> Any:
    """List one's living sessions, the latest used first."""
    rows, current = sessions.living(services(), g.principal)
    return session_outputs.sessions(rows, current)


@auth_bp.delete("/sessions/<uuid:session_id>")
@answers(204, errors=("session_required", "reauth_required", "session_not_found"))
@limited("session-changes")
@jwt_required
def end_session(session_id: UUID) -> Any:
    """End one of one's own sessions. Its tokens are refused at once.

    Wants a sign-in younger than 10 minutes, unless it is the session that is calling.
    """
    sessions.end_one(services(), g.principal, session_id, client_info())
    if session_id == g.principal.session_id and cookies.refresh_cookie():
        cookies.forget_refresh_cookie()


@auth_bp.post("/sessions/revoke-others")
@answers(200, session_outputs.Ended, errors=("session_required", "reauth_required"))
@limited("session-changes")
@jwt_required
def end_other_sessions() -> Any:
    """End all of one's sessions but this one. Wants a sign-in younger than 10 minutes."""
    return session_outputs.ended(sessions.end_others(services(), g.principal, client_info()))


@auth_bp.post("/sessions/disown")
@answers(200, outputs.Message, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def disown(form: Link) -> Any:
    """Say "this wasn't me", with the link of a mail about a new sign-in.

    Ends every session, forgets every device, and blocks the password until a reset.
    """
    sessions.disown(services(), form.token, client_info())
    return outputs.message("disown")


@auth_bp.post("/reauth/options")
@answers(200, factor_outputs.PasskeyOptions, errors=("session_required", "no_passkeys"))
@limited("proof")
@jwt_required
@for_setting_up
def reauth_options() -> Any:
    """Ask for what `navigator.credentials.get` needs to prove a passkey of one's own for `/auth/reauth`."""
    return factor_outputs.options(sessions.reauth_options(services(), g.principal))


@auth_bp.post("/reauth")
@answers(
    200,
    outputs.AccessToken,
    errors=("session_required", "wrong_current_password", "wrong_code", "two_factor_off", "busy"),
)
@limited("proof")
@jwt_required
@for_setting_up
@takes(Proof)
def reauth(form: Proof) -> Any:
    """Prove once more who one is, by password or code: afterwards the session counts as freshly signed in."""
    token = sessions.reauthenticate(
        services(),
        g.principal,
        password=form.password.get_secret_value() if form.password else None,
        code=form.code,
        passkey=form.passkey,
        client=client_info(),
    )
    return outputs.access_token(token, services().config["JWT_ACCESS_TOKEN_EXPIRES"])
