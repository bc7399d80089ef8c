"""Login over HTTP: password, second factor, passkey, confirmation of a sign-up, re-authentication."""

from typing import Any, NoReturn

from flask import g

from auth.blueprint import auth_bp
from auth.cookies import (
    Delivery,
    challenge_cookie,
    delete_sign_up_cookie,
    device_token,
    reads_device_token,
    sign_up_cookie,
)
from auth.emails.confirmation import check_link
from auth.emails.outputs import VerificationStatus, verification
from auth.factors import outputs as factor_outputs
from auth.factors.verification import FactorResponse
from auth.login import confirmation, outputs, passkey, password, reauthentication, second_step
from auth.login.complete import CompletedLogin
from auth.login.confirmation import WantedSession
from auth.login.inputs import Credentials, PasskeyLogin, Proof, SecondStep, Verification
from auth.login.pending import Challenge, required
from auth.mailing.inputs import LINK_REFUSALS, Link
from utils.auth_helpers import allow_enrollment, jwt_required, optional_principal
from utils.services import services
from utils.web.http import answers, client_info, count_call, limited
from utils.web.validation import takes


def _logged_in(delivery: Delivery, done: CompletedLogin) -> outputs.LoggedIn:
    issued = done.tokens
    delivery.set_login_cookies(
        issued.refresh_token, issued.keep_until, issued.verify_token, done.device_token
    )
    return outputs.logged_in(done.account, done.tokens, done.device_token, in_body=not delivery.by_cookie)


def _ask_for_factor(delivery: Delivery, asked: Challenge, next_address: str = "") -> NoReturn:
    delivery.set_challenge_cookie(asked.token, asked.expires_in)
    raise required(asked, in_body=not delivery.by_cookie, next_address=next_address)


@auth_bp.post("/login")
@answers(
    200,
    outputs.LoggedIn,
    errors=(
        "invalid_credentials",
        "second_factor_required",
        "email_not_verified",
        "cross_site_refused",
        "busy",
    ),
)
@limited("login", by_flow=True)
@reads_device_token
@takes(Credentials)
def login(form: Credentials) -> Any:
    """Sign in with a user name or an address, and a password.

    `token_delivery: cookie` puts the refresh token into the `__Host-refresh` cookie
    instead of the body, for pages of the same origin, and takes the place of the
    session that such a cookie held before.

    Send `device_token` with later logins, as the header `X-Device-Token`: logins from unknown devices are
    reported to the owner by mail. Pages have it as a cookie.

    An account with a second factor answers 401 `second_factor_required` to the right password, with
    `challenge_token` and `methods` for `POST /auth/login/second-factor`.
    """
    delivery = Delivery.choose(by_cookie=form.token_delivery == "cookie")
    done = password.log_in(
        services(),
        login=form.login,
        password=form.password.get_secret_value(),
        remember=form.remember,
        client=client_info(),
        device_token=delivery.device_token,
        replaces=delivery.replaces,
        count=count_call,
    )
    if isinstance(done, Challenge):
        _ask_for_factor(delivery, done)
    return _logged_in(delivery, done)


@auth_bp.post("/login/second-factor")
@answers(
    200,
    outputs.LoggedIn,
    errors=(
        "challenge_invalid",
        "challenge_expired",
        "second_factor_invalid",
        "totp_blocked",
        "cross_site_refused",
    ),
)
@limited("login", by_flow=True)
@reads_device_token
@takes(SecondStep)
def complete_login(form: SecondStep) -> Any:
    """Complete a login with its second factor: a code, a passkey, or a recovery code.

    `trust_device` lets this device do without for 30 days; its password is asked all the same. After ten
    wrong codes in 15 minutes, over all challenges, every one is refused for 15. After a hundred wrong
    authenticator codes in a row, these are refused from that source (`totp_blocked`) until a recovery code, a
    passkey or a code from another source is accepted, or an operator lifts the block.
    """
    delivery = Delivery.choose(by_cookie=form.challenge_token is None and challenge_cookie() is not None)
    done = second_step.complete_login(
        services(),
        challenge_token=form.challenge_token or challenge_cookie() or "",
        given=FactorResponse(form.code, form.recovery_code, form.passkey),
        trust_device=form.trust_device,
        client=client_info(),
        device_token=delivery.device_token,
        replaces=delivery.replaces,
        count=count_call,
    )
    delivery.delete_challenge_cookie()
    return _logged_in(delivery, done)


@auth_bp.post("/reauth/options")
@answers(200, factor_outputs.PasskeyOptions, errors=("session_required", "no_passkeys"))
@limited("proof")
@jwt_required
@allow_enrollment
def reauth_options() -> Any:
    """Ask for what `navigator.credentials.get` needs to use a passkey of the caller for `/auth/reauth`."""
    return factor_outputs.options(reauthentication.reauth_options(services(), g.principal))


@auth_bp.post("/reauth")
@answers(
    200,
    outputs.AccessToken,
    errors=(
        "session_required",
        "wrong_current_password",
        "wrong_code",
        "totp_blocked",
        "two_factor_off",
        "busy",
    ),
)
@limited("proof")
@reads_device_token
@jwt_required
@allow_enrollment
@takes(Proof)
def reauth(form: Proof) -> Any:
    """Authenticate again, by password, code or passkey. The session then counts as freshly logged in."""
    token = reauthentication.reauthenticate(
        services(),
        g.principal,
        password=form.password.get_secret_value() if form.password else None,
        code=form.code,
        passkey=form.passkey,
        client=client_info(),
        device_token=device_token(),
    )
    return outputs.access_token(token, services().config["JWT_ACCESS_TOKEN_EXPIRES"])


@auth_bp.post("/login/passkey/options")
@answers(200, factor_outputs.PasskeyOptions)
@limited("passkey-options")
def passkey_login_options() -> Any:
    """Ask for what `navigator.credentials.get` needs. Good for one login within five minutes."""
    return factor_outputs.options(passkey.options(services()))


@auth_bp.post("/login/passkey")
@answers(200, outputs.LoggedIn, errors=("passkey_invalid", "email_not_verified", "cross_site_refused"))
@limited("login")
@reads_device_token
@takes(PasskeyLogin)
def login_with_passkey(form: PasskeyLogin) -> Any:
    """Sign in with a passkey, without a password and without a second factor: it counts as two factors."""
    delivery = Delivery.choose(by_cookie=form.token_delivery == "cookie")
    done = passkey.log_in(
        services(),
        form.credential,
        remember=form.remember,
        client=client_info(),
        device_token=delivery.device_token,
        replaces=delivery.replaces,
    )
    return _logged_in(delivery, done)


@auth_bp.post("/email/verify")
@answers(
    200,
    outputs.Confirmed,
    errors=(
        *LINK_REFUSALS,
        "invalid_credentials",
        "second_factor_required",
        "email_taken",
        "cross_site_refused",
        "busy",
    ),
)
@limited("proof")
@reads_device_token
@takes(Verification)
def verify_email(form: Verification) -> Any:
    """Confirm an address with the link that was mailed to it: the account's own, or a new one.

    Send the password too, unless a session of the account is calling.

    With `token_delivery` the confirmation of a sign-up logs in as well, if no session is calling. With
    `cookie` the browser that signed up needs no password within an hour; `signed_up_here` of
    `/auth/email/verify/check` tells. Links to a new address never log in.
    """
    delivery = Delivery.choose(by_cookie=form.token_delivery == "cookie")
    sign_up = sign_up_cookie() if delivery.by_cookie else None
    done = confirmation.confirm(
        services(),
        form.token,
        given=form.password.get_secret_value() if form.password else None,
        principal=optional_principal(),
        wanted=WantedSession(sign_up, delivery.device_token, delivery.replaces)
        if form.token_delivery
        else None,
        drop_sign_up=delete_sign_up_cookie,
        client=client_info(),
    )
    if isinstance(done.login, Challenge):
        _ask_for_factor(delivery, done.login, done.next_address)
    return outputs.confirmed(done.login and _logged_in(delivery, done.login), done.next_address)


@auth_bp.post("/email/verify/check")
@answers(200, VerificationStatus, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def check_verification_link(form: Link) -> Any:
    """Return the purpose and address of a link, and whether it is confirmed. Does not use the link."""
    found = check_link(services(), form.token)
    here = confirmation.is_signed_up_here(services(), form.token, sign_up_cookie())
    return verification(*found, signed_up_here=here)
