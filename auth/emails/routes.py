"""Email addresses over HTTP: mail a confirmation, reject, change, undo."""

from typing import Any

from flask import g

from auth import cookies
from auth.blueprint import auth_bp
from auth.emails import change, confirmation
from auth.emails.inputs import UnprovenAddress
from auth.mailing.inputs import LINK_REFUSALS, Link, OwnersLink
from auth.outputs import Message, message
from auth.revocation.prior_access import Shown
from utils.auth_helpers import jwt_required, optional_principal
from utils.services import services
from utils.web.http import answers, client_info, limited
from utils.web.validation import takes


@auth_bp.post("/email/resend")
@answers(202, Message, errors=("challenge_required",))
@limited("mailed")
@takes(UnprovenAddress)
def resend_verification(form: UnprovenAddress) -> Any:
    """Mail the confirmation again. The response is the same for every address."""
    confirmation.resend(services(), form.email, form.challenge_response, client_info())
    return message("resend")


@auth_bp.post("/email/reject")
@answers(200, Message, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def reject_registration(form: Link) -> Any:
    """Reject a registration with one's own address ("I did not sign up"): erases the account."""
    confirmation.reject(services(), form.token, client_info())
    return message("reject")


@auth_bp.post("/email/change")
@answers(202, Message, errors=("session_required", "reauth_required", "challenge_required"))
@limited("mailed")
@jwt_required
@takes(UnprovenAddress)
def change_email(form: UnprovenAddress) -> Any:
    """Change the email address. It takes effect when the link mailed to the new address is used.

    Requires a login within the last 10 minutes. The response is the same for an address that is taken.
    """
    change.request_change(services(), g.principal, form.email, form.challenge_response, client_info())
    return message("change_email")


@auth_bp.post("/email/change/undo")
@answers(200, Message, errors=(*LINK_REFUSALS, "email_taken"))
@limited("links")
@cookies.reads_device_token
@cookies.same_site_only
@takes(OwnersLink)
def undo_email_change(form: OwnersLink) -> Any:
    """Undo a change of address, with the link mailed to the old address.

    Ends every session, and blocks the password until a reset; also if another account has the address by now,
    which is then answered.
    """
    shown = Shown(optional_principal(), *cookies.of_earlier_access(form.refresh_token))
    change.undo_change(services(), form.token, shown, client_info())
    return message("undo")
