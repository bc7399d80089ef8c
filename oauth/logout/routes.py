"""Logout by an application over HTTP: the address that it sends browsers to, and the call of its page."""

from typing import Any
from urllib.parse import urlencode

from auth import cookies
from oauth.blueprint import account_bp, oauth_bp
from oauth.logout import decide, outputs
from oauth.logout.inputs import LogoutForm, LogoutQuestion
from utils.auth_helpers import optional_bearer_token, optional_principal
from utils.errors import NotFound
from utils.services import services
from utils.web.forms import Parameters, takes_form
from utils.web.http import answers, client_info, limited
from utils.web.validation import takes

PATH = "/oauth/logout"


@oauth_bp.get("/logout")
@answers(200)
@limited("logout")
def logout_page() -> Any:
    """Show the page of a logout request. It is the same for everyone; a GET ends nothing.

    The page does not repeat the query, which may have an ID token: its script reads it from the address.
    """
    render = services().render_page
    if render is None:
        raise NotFound
    return render("logout.html", "logout", path=PATH)


@oauth_bp.post("/logout")
@answers(303)
@limited("logout")
@takes_form(LogoutForm)
def logout_by_post(form: Parameters) -> Any:
    """Send the browser on to the same request by GET (RP-Initiated Logout, 2)."""
    again = [] if form.repeated else [*form.values.items()]
    return {"Location": f"{PATH}?{urlencode(again)}" if again else PATH, "Cache-Control": "no-store"}


@account_bp.post("/authorizations/logout")
@answers(200, outputs.LogoutAnswer)
@limited("logout")
@cookies.same_site_only
@takes(LogoutQuestion, optional=True)
def log_out(form: LogoutQuestion) -> Any:
    """Tell the page of a logout request what to do, and end the session of the browser if it may.

    The session is that of the access token or of the refresh cookie. It ends at once if the `id_token_hint`
    names it; otherwise the answer is `confirm`, and a call with `confirmed` ends it.
    """
    found = decide.decide(
        services(),
        query=form.query,
        confirmed=form.confirmed,
        principal=optional_principal(),
        access_token=optional_bearer_token(),
        refresh_tokens=cookies.presented(None),
        client=client_info(),
    )
    if not found.is_asked:
        cookies.delete_session_cookies()
    return outputs.answer(found)
