"""Revocation and introspection over HTTP."""

from typing import Any

from flask import request

from oauth.blueprint import oauth_bp
from oauth.revocation import introspect as introspection
from oauth.revocation import outputs
from oauth.revocation import revoke as revocation
from oauth.revocation.inputs import OneToken
from utils.services import services
from utils.web.cors import from_any_origin
from utils.web.forms import Parameters, takes_form
from utils.web.http import answers, client_info, count_call, limited

ERRORS = (
    "oauth_invalid_client",
    "oauth_credentials_twice",
    "oauth_form_parameter_missing",
    "oauth_form_parameter_repeated",
)


@oauth_bp.post("/revoke")
@from_any_origin
@answers(200, outputs.Revoked, errors=ERRORS)
@limited("token", by_flow=True)
@takes_form(OneToken)
def revoke(form: Parameters) -> Any:
    """End the access that a refresh or access token of the calling client belongs to.

    The response is the same for unknown tokens and those of other clients.
    """
    authorization = request.headers.get("Authorization")
    revocation.revoke(services(), authorization, form, client_info(), count_call)
    return {}


@oauth_bp.post("/introspect")
@answers(200, outputs.Introspected, errors=ERRORS)
@limited("token-failures", by_flow=True)  # a resource may ask for each of its requests
@takes_form(OneToken)
def introspect(form: Parameters) -> Any:
    """Tell a resource whether an access token that names it counts now."""
    authorization = request.headers.get("Authorization")
    found = introspection.introspect(services(), authorization, form, client_info(), count_call)
    return outputs.introspected(found)
