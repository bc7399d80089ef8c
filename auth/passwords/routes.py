"""Passwords over HTTP: forgot, reset, change, remove, strength."""

from typing import Any

from flask import g

from auth.blueprint import auth_bp
from auth.inputs import Address
from auth.mailing.inputs import LINK_REFUSALS, Link
from auth.mailing.outputs import LinkStatus, valid_link
from auth.outputs import Message, message
from auth.passwords import advice, change, outputs, reset
from auth.passwords.inputs import PasswordChange, PasswordReset, StrengthQuestion
from utils.auth_helpers import jwt_required
from utils.services import services
from utils.web.http import answers, client_info, limited
from utils.web.validation import takes


@auth_bp.post("/password/forgot")
@answers(202, Message)
@limited("mailed")
@takes(Address)
def forgot_password(form: Address) -> Any:
    """Ask for a link that sets a new password. The answer is the same for every address."""
    reset.forgot(services(), form.email, client_info())
    return message("forgot")


@auth_bp.post("/password/strength")
@answers(200, outputs.Strength, errors=("busy",))
@limited("strength")
@takes(StrengthQuestion)
def password_strength(form: StrengthQuestion) -> Any:
    """Ask how good a password would be, for a meter.

    The score is advice. `acceptable` tells whether the length and the block-list let it pass, with
    the name and address as they were sent. Nothing of it is stored or logged.
    """
    password = form.password.get_secret_value()
    found = advice.advice(services(), password, username=form.username, email=form.email)
    return outputs.strength(found.strength, form.fits(services().settings) and not found.has_own_words)


@auth_bp.post("/password/reset/check")
@answers(200, LinkStatus, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def check_reset_link(form: Link) -> Any:
    """Ask whether a reset link would work, and for which address. Does not use the link."""
    return valid_link(reset.check_link(services(), form.token))


@auth_bp.post("/password/reset")
@answers(200, Message, errors=(*LINK_REFUSALS, "busy"))
@limited("proof")
@takes(PasswordReset)
def reset_password(form: PasswordReset) -> Any:
    """Set a new password with a mailed link. Ends all sessions, revokes API tokens, and starts no session."""
    reset.reset(services(), form.token, form.password.get_secret_value(), client_info())
    return message("reset")


@auth_bp.post("/password/change")
@answers(
    200,
    outputs.Changed,
    errors=("session_required", "wrong_current_password", "password_unchanged", "busy"),
)
@limited("proof")
@jwt_required
@takes(PasswordChange)
def change_password(form: PasswordChange) -> Any:
    """Change the password, with the current one.

    Ends the other sessions, and the access of apps that works without them, unless `end_other_sessions` or
    `end_apps` is false.

    API tokens go on working, and the answer names them; `revoke_api_tokens` revokes them all.
    """
    live = change.change(
        services(),
        g.principal,
        current_password=form.current_password.get_secret_value(),
        new_password=form.new_password.get_secret_value(),
        end_other_sessions=form.end_other_sessions,
        end_apps=form.end_apps,
        revoke_api_tokens=form.revoke_api_tokens,
        client=client_info(),
    )
    return outputs.changed(live)


@auth_bp.delete("/password")
@answers(200, Message, errors=("session_required", "reauth_required", "no_password", "last_way_in"))
@limited("account-changes")
@jwt_required
def remove_password() -> Any:
    """Remove the password: from then on only passkeys log in. Ends the other sessions.

    Requires a passkey, and a login by a second factor within the last 10 minutes. A mailed reset sets a
    password again.
    """
    change.remove(services(), g.principal, client_info())
    return message("remove_password")
