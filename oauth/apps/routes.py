"""Apps over HTTP: list those with access to one's account, end the access of one."""

from typing import Any

from flask import g

from oauth.apps import listing, outputs, removal
from oauth.blueprint import account_bp
from utils.auth_helpers import jwt_required
from utils.services import services
from utils.web.http import answers, client_info, limited


@account_bp.get("/apps")
@answers(200, outputs.Apps, errors=("session_required",))
@limited("reads")
@jwt_required
def list_apps() -> Any:
    """List the apps that have access to one's account: what each may do, since when, when used last."""
    return outputs.apps(listing.of_caller(services(), g.principal))


@account_bp.delete("/apps/<client_id>")
@answers(204, errors=("session_required", "app_not_found"))
@limited("account-changes")
@jwt_required
def remove_app(client_id: str) -> Any:
    """End the access of an app, and forget that it was allowed. Its tokens are refused from the next call on.

    A resource that checks access tokens offline learns of it from the revocation feed.
    """
    removal.remove(services(), g.principal, client_id, client_info())
