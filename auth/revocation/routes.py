""" "This wasn't me" over HTTP."""

from typing import Any

from auth import cookies
from auth.blueprint import auth_bp
from auth.mailing.inputs import LINK_REFUSALS, OwnersLink
from auth.outputs import Message, message
from auth.revocation import revoke
from auth.revocation.prior_access import Shown
from utils.auth_helpers import optional_principal
from utils.services import services
from utils.web.http import answers, client_info, limited
from utils.web.validation import takes


@auth_bp.post("/sessions/disown")
@answers(200, Message, errors=LINK_REFUSALS)
@limited("links")
@cookies.reads_device_token
@cookies.same_site_only
@takes(OwnersLink)
def disown(form: OwnersLink) -> Any:
    """Report "this wasn't me", with the link of a mail about a new login.

    Ends every session, revokes every API token, forgets every device, and blocks the password until a reset.
    Second factors of the last seven days are removed only if the call also shows older access: a session, a
    refresh token or a device token.
    """
    shown = Shown(optional_principal(), *cookies.of_earlier_access(form.refresh_token))
    revoke.disown(services(), form.token, shown, client_info())
    return message("disown")
