""" "This wasn't me" over HTTP."""

from typing import Any

from auth.blueprint import auth_bp
from auth.mailing.inputs import LINK_REFUSALS, Link
from auth.outputs import Message, message
from auth.revocation import revoke
from utils.services import services
from utils.web.http import answers, client_info, limited
from utils.web.validation import takes


@auth_bp.post("/sessions/disown")
@answers(200, Message, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def disown(form: Link) -> Any:
    """Report "this wasn't me", with the link of a mail about a new login.

    Ends every session, forgets every device, and blocks the password until a reset.
    """
    revoke.disown(services(), form.token, client_info())
    return message("disown")
