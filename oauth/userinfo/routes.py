"""Userinfo over HTTP."""

from typing import Any

from flask import request

from oauth.blueprint import oauth_bp
from oauth.userinfo import outputs
from oauth.userinfo.answer import userinfo
from oauth.userinfo.inputs import BearerForm
from utils.request_record import request_record
from utils.services import services
from utils.web.cors import from_any_origin
from utils.web.forms import Parameters, takes_form
from utils.web.http import answers, client_info, limited

ERRORS = (
    "oauth_token_missing",
    "oauth_token_malformed",
    "oauth_token_invalid",
    "oauth_scope_insufficient",
)


@oauth_bp.get("/userinfo")
@from_any_origin
@answers(200, outputs.Claims, errors=ERRORS)
@limited("userinfo")
def userinfo_by_header() -> Any:
    """Return the claims about the person of an access token, which is in the Authorization header."""
    return _answer(None)


@oauth_bp.post("/userinfo")
@from_any_origin
@answers(200, outputs.Claims, errors=ERRORS)
@limited("userinfo")
@takes_form(BearerForm)
def userinfo_by_form(form: Parameters) -> Any:
    """Return the claims about the person of an access token, which is in the header or in the form."""
    return _answer(form)


def _answer(form: Parameters | None) -> Any:
    found = userinfo(services(), request.headers.get("Authorization"), form, client_info())
    request_record().user_id = found.user_id
    return found.claims
