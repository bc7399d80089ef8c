"""The token endpoint over HTTP."""

from typing import Any

from flask import request

from oauth.blueprint import oauth_bp
from oauth.token import outputs
from oauth.token.exchange import exchange
from oauth.token.inputs import TokenForm
from utils.request_record import request_record
from utils.services import services
from utils.web.cors import from_any_origin
from utils.web.forms import Parameters, takes_form
from utils.web.http import answers, client_info, count_call, limited

ERRORS = (
    "oauth_invalid_client",
    "oauth_credentials_twice",
    "oauth_form_parameter_missing",
    "oauth_form_parameter_repeated",
    "oauth_grant_type_unsupported",
    "oauth_client_unauthorized",
    "oauth_code_invalid",
    "oauth_code_expired",
    "oauth_code_reused",
    "oauth_refresh_token_invalid",
    "oauth_refresh_token_reused",
    "oauth_grant_over",
    "oauth_scope_not_granted",
    "oauth_resource_not_granted",
)


@oauth_bp.post("/token")
@from_any_origin
@answers(200, outputs.ClientTokens, errors=ERRORS)
@limited("token", by_flow=True)
@takes_form(TokenForm)
def token(form: Parameters) -> Any:
    """Exchange an authorization code or a refresh token for tokens.

    A refresh token is valid once. For 20 seconds, the last used one returns the same successor. Reuse of any
    older one, or of a code, ends the access.
    """
    authorization = request.headers.get("Authorization")
    issued = exchange(services(), authorization, form, client_info(), count_call)
    record = request_record()
    record.headers = {**(record.headers or {}), "Pragma": "no-cache"}  # RFC 6749, 5.1
    return outputs.tokens(issued)
