"""Passkeys over HTTP: one's own, and signing in with one."""

from typing import Any
from uuid import UUID

from flask import g

from auth import auth_bp, factor_outputs, outputs
from auth.flows import passkey_sign_in, passkeys
from auth.inputs import NewPasskey, PasskeyLogin, PasskeyName
from utils import cookies
from utils.auth_helpers import for_setting_up, jwt_required
from utils.http import answers, client_info, limited
from utils.services import services
from utils.validation import takes

FRESH = ("session_required", "reauth_required")


@auth_bp.get("/passkeys")
@answers(200, factor_outputs.Passkeys)
@limited("reads")
@jwt_required
@for_setting_up
def list_passkeys() -> Any:
    """List one's passkeys, the oldest first."""
    return factor_outputs.passkeys(passkeys.of_user(services(), g.principal))


@auth_bp.post("/passkeys/options")
@answers(200, factor_outputs.PasskeyOptions, errors=(*FRESH, "too_many_passkeys"))
@limited("account-changes")
@jwt_required
@for_setting_up
def passkey_creation_options() -> Any:
    """Ask for what `navigator.credentials.create` needs. Good for one try within five minutes.

    Wants a sign-in younger than 10 minutes; where the account has a second factor, one with that.
    """
    return factor_outputs.options(passkeys.creation_options(services(), g.principal))


@auth_bp.post("/passkeys")
@answers(
    201, factor_outputs.AddedPasskey, errors=(*FRESH, "passkey_refused", "passkey_taken", "too_many_passkeys")
)
@limited("account-changes")
@jwt_required
@for_setting_up
@takes(NewPasskey)
def add_passkey(form: NewPasskey) -> Any:
    """Add the passkey that the browser has made. With the first factor the answer holds recovery codes.

    From then on the password alone opens nothing. The first factor ends the other sessions, unless
    `end_other_sessions` is false; where a second factor is required, in any case.
    """
    added = passkeys.add(
        services(),
        g.principal,
        form.credential,
        form.name,
        client_info(),
        end_other_sessions=form.end_other_sessions,
    )
    return factor_outputs.added_passkey(added.passkey, added.recovery_codes), 201


@auth_bp.patch("/passkeys/<uuid:passkey_id>")
@answers(200, factor_outputs.Passkeys, errors=("session_required", "passkey_not_found"))
@limited("account-changes")
@jwt_required
@for_setting_up
@takes(PasskeyName)
def rename_passkey(form: PasskeyName, passkey_id: UUID) -> Any:
    """Give one of one's passkeys another name."""
    found = passkeys.rename(services(), g.principal, passkey_id, form.name, client_info())
    return factor_outputs.passkeys(found)


@auth_bp.delete("/passkeys/<uuid:passkey_id>")
@answers(204, errors=(*FRESH, "passkey_not_found", "last_way_in"))
@limited("account-changes")
@jwt_required
@for_setting_up
def remove_passkey(passkey_id: UUID) -> Any:
    """Remove one of one's passkeys; not the last way to sign in. Wants what adding one wants."""
    passkeys.remove(services(), g.principal, passkey_id, client_info())


@auth_bp.post("/login/passkey/options")
@answers(200, factor_outputs.PasskeyOptions)
@limited("passkey-options")
def passkey_login_options() -> Any:
    """Ask for what `navigator.credentials.get` needs. Good for one try within five minutes."""
    return factor_outputs.options(passkey_sign_in.options(services()))


@auth_bp.post("/login/passkey")
@answers(200, outputs.SignedIn, errors=("passkey_invalid", "email_not_verified", "cross_site_refused"))
@limited("login")
@takes(PasskeyLogin)
def login_with_passkey(form: PasskeyLogin) -> Any:
    """Sign in with a passkey, without a password and without a second factor: it is two in one."""
    by_cookie = form.token_delivery == "cookie"
    if by_cookie:
        cookies.refuse_cross_site()
    done = passkey_sign_in.sign_in(
        services(),
        form.credential,
        remember=form.remember,
        client=client_info(),
        device_mark=cookies.presented_device_mark(by_cookie=by_cookie),
        replaces=cookies.refresh_cookie() if by_cookie else None,
    )
    return outputs.session_begun(done.account, done.tokens, done.device_mark, by_cookie=by_cookie)
