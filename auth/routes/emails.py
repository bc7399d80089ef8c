"""Addresses over HTTP: confirm one, reject it, change it, take the change back."""

from typing import Any

from flask import g

from auth import auth_bp, outputs
from auth.flows import emails
from auth.inputs import LINK_REFUSALS, Address, Link, Verification
from utils.auth_helpers import jwt_required, optional_principal
from utils.http import answers, client_info, limited
from utils.services import services
from utils.validation import takes


@auth_bp.post("/email/verify")
@answers(200, outputs.Message, errors=(*LINK_REFUSALS, "invalid_credentials", "email_taken", "busy"))
@limited("proof")
@takes(Verification)
def verify_email(form: Verification) -> Any:
    """Confirm an address with the link that was mailed to it: the account's own, or a new one.

    Send the password too, unless a session of the account is calling.
    """
    password = form.password.get_secret_value() if form.password else None
    emails.verify(services(), form.token, password, optional_principal(), client_info())
    return outputs.message("verify")


@auth_bp.post("/email/verify/check")
@answers(200, outputs.VerificationStatus, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def check_verification_link(form: Link) -> Any:
    """Ask what a link is for, which address it confirms, and whether that is done. Uses nothing up."""
    return outputs.verification(*emails.check_link(services(), form.token))


@auth_bp.post("/email/resend")
@answers(202, outputs.Message)
@limited("mailed")
@takes(Address)
def resend_verification(form: Address) -> Any:
    """Mail the confirmation once more. The answer is the same for every address."""
    emails.resend(services(), form.email, client_info())
    return outputs.message("resend")


@auth_bp.post("/email/reject")
@answers(200, outputs.Message, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def reject_registration(form: Link) -> Any:
    """Say "I did not sign up": the account that was registered with one's address is erased."""
    emails.reject(services(), form.token, client_info())
    return outputs.message("reject")


@auth_bp.post("/email/change")
@answers(202, outputs.Message, errors=("session_required", "reauth_required"))
@limited("mailed")
@jwt_required
@takes(Address)
def change_email(form: Address) -> Any:
    """Move to another address. Nothing changes until the link that is mailed there is opened.

    Wants a sign-in younger than 10 minutes. The answer is the same for an address that is taken.
    """
    emails.request_change(services(), g.principal, form.email, client_info())
    return outputs.message("change_email")


@auth_bp.post("/email/change/undo")
@answers(200, outputs.Message, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def undo_email_change(form: Link) -> Any:
    """Take a change of address back, with the link that was mailed to the old one.

    Ends every session, and blocks the password until a reset.
    """
    emails.undo_change(services(), form.token, client_info())
    return outputs.message("undo")
