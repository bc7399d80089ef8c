"""API tokens over HTTP: list, create, revoke. All of them are the caller's own."""

from typing import Any
from uuid import UUID

from flask import g

from auth.api_tokens import lifecycle, outputs
from auth.api_tokens.inputs import NewApiToken
from auth.blueprint import auth_bp
from utils.auth_helpers import jwt_required, reads_roles
from utils.services import services
from utils.web.http import answers, client_info, limited
from utils.web.validation import takes

REFUSALS = (
    "session_required",
    "reauth_required",
    "api_tokens_off",
    "permission_invalid",
    "permission_missing",
    "two_factor_off",
    "api_token_name_taken",
    "too_many_api_tokens",
)


@auth_bp.get("/tokens")
@answers(200, outputs.ApiTokens, errors=("session_required",))
@limited("reads")
@jwt_required
@reads_roles
def list_api_tokens() -> Any:
    """List one's API tokens, the newest first, and the permissions that a new one can have.

    Expired tokens are listed, too, until they are deleted. A token itself is never shown again.
    """
    return outputs.api_tokens(lifecycle.of_caller(services(), g.principal))


@auth_bp.post("/tokens")
@answers(201, outputs.CreatedApiToken, errors=REFUSALS)
@limited("account-changes")
@jwt_required
@takes(NewApiToken)
def create_api_token(form: NewApiToken) -> Any:
    """Create an API token for a program of one's own. The answer alone holds the token.

    It opens only calls that ask for a permission, with those of its permissions that its owner has at that
    time. Requires a login within the last 10 minutes, by a second factor if the account has one.
    """
    made = lifecycle.create(
        services(),
        g.principal,
        name=form.name,
        permissions=form.permissions,
        days=form.expires_in_days,
        client=client_info(),
    )
    return outputs.created(made), 201


@auth_bp.delete("/tokens/<uuid:token_id>")
@answers(204, errors=("session_required", "api_token_not_found", "not_found"))
@limited("account-changes")
@jwt_required
def revoke_api_token(token_id: UUID) -> Any:
    """Revoke one of one's API tokens. It is refused from the next call on."""
    lifecycle.revoke(services(), g.principal, token_id, client_info())
