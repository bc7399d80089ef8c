"""Authorization requests over HTTP: the address that clients send browsers to, and the calls of its page."""

from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request

from oauth.authorize import ask as asking
from oauth.authorize import decide, opening, outputs
from oauth.authorize.inputs import AuthorizationDecision, AuthorizationForm, AuthorizationQuestion
from oauth.blueprint import account_bp, oauth_bp
from utils.auth_helpers import jwt_required, presented_principal
from utils.errors import NotFound
from utils.services import services
from utils.web.forms import Parameters, takes_form
from utils.web.http import answers, client_info, count_call, limited
from utils.web.validation import takes

PATH = "/oauth/authorize"
REQUEST_ERRORS = (
    "oauth_ticket_invalid",
    "oauth_client_unknown",
    "oauth_client_disabled",
    "oauth_redirect_uri_mismatch",
    "session_required",
    "second_factor_setup_required",
)


@oauth_bp.get("/authorize")
@answers(200)
@limited("authorize")
def authorize() -> Any:
    """Show the page of an authorization request, or send its refusal to the client.

    The page is the same for everyone. Nothing is written.
    """
    query = request.query_string.decode("ascii", "replace")
    opened = opening.open_request(services(), query, client_info())
    if opened.redirect_to is not None:
        return _sent_to(opened.redirect_to)
    own_page = services().settings.link_authorize
    if own_page != services().settings.public_url + PATH:
        return _sent_to(f"{own_page}?{query}#ticket={opened.ticket}")
    render = services().render_page
    if render is None:
        raise NotFound
    key = sha256(query.encode()).hexdigest()
    return render("authorize.html", "authorize", ticket=opened.ticket, query=query, digest=key)


@oauth_bp.post("/authorize")
@answers(303)
@limited("authorize")
@takes_form(AuthorizationForm)
def authorize_by_post(form: Parameters) -> Any:
    """Send the browser on to the same request by GET (OpenID Connect Core, 3.1.2.1)."""
    # A repeated parameter stays repeated, so that it is refused there.
    again = [(name, "") for name in sorted(form.repeated) for _ in range(1 if name in form.values else 2)]
    return {"Location": f"{PATH}?{urlencode([*form.values.items(), *again])}", "Cache-Control": "no-store"}


@account_bp.post("/authorizations")
@answers(200, outputs.AuthorizationAnswer, errors=("token_malformed", "token_invalid", *REQUEST_ERRORS))
@limited("authorizations", by_flow=True)
@takes(AuthorizationQuestion)
def ask(form: AuthorizationQuestion) -> Any:
    """Tell the page of an authorization request what the person is asked, or where the browser goes.

    Without an access token the answer is `login`, or a `redirect` with `prompt=none`.
    """
    found = asking.ask(
        services(),
        presented_principal(),
        query=form.query,
        ticket=form.ticket,
        answered=form.answered,
        client=client_info(),
        count=count_call,
    )
    return outputs.answer(found)


@account_bp.post("/authorizations/decision")
@answers(200, outputs.AuthorizationAnswer, errors=("oauth_scope_not_asked", *REQUEST_ERRORS))
@limited("authorizations", by_flow=True)
@jwt_required
@takes(AuthorizationDecision)
def decision(form: AuthorizationDecision) -> Any:
    """Decide about an authorization request: the answer is a `redirect`, with a code or `access_denied`.

    If the login has to be fresher meanwhile, the answer is what the person is asked first.
    """
    found = decide.decide(
        services(),
        g.principal,
        query=form.query,
        ticket=form.ticket,
        allow=form.allow,
        scopes=form.scopes,
        client=client_info(),
        count=count_call,
    )
    return outputs.answer(found)


def _sent_to(address: str) -> Response:
    # 303, never 307 or 308, which would send a form on (RFC 9700, 4.12).
    return Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
