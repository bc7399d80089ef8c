"""Accounts over HTTP: register, and who am I."""

from typing import Any

from flask import g

from auth import auth_bp, outputs
from auth.flows import accounts
from auth.inputs import Registration
from utils.auth_helpers import jwt_required
from utils.http import answers, client_info, limited, unlimited
from utils.services import services
from utils.validation import takes


@auth_bp.post("/register")
@answers(201, outputs.Registered, errors=("username_taken", "email_taken", "account_taken", "busy"))
@limited("register")
@takes(Registration)
def register(form: Registration) -> Any:
    """Create an account.

    With `username_from_email` instead of a `username`, the server makes a free name from
    the address.
    """
    account = accounts.register(
        services(),
        username=form.username,
        email=form.email,
        password=form.password.get_secret_value(),
        client=client_info(),
    )
    return outputs.registered(account)


@auth_bp.get("/me")
@answers(200, outputs.OneUser)
@limited("reads")
@jwt_required
def me() -> Any:
    """Read the signed-in user."""
    return outputs.user(g.principal.account)


@auth_bp.get("/verify")
@answers(204)
@unlimited("a proxy asks it for every request that it passes on, always from the same address")
@jwt_required
def verify() -> Any:
    """Ask whether a token is good, for a proxy or another service.

    The answer has no body; its headers `X-Auth-User-Id` and `X-Auth-Username`
    (percent-encoded) say whose the token is.
    """
    return outputs.verified(g.principal.account)
