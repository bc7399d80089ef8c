"""The OpenID Connect provider: applications log people in with this service (OAuth 2.0, OpenID Connect Core).

The import of this package registers every route and command on its blueprints. `auth` never imports it: it
tells of ended sessions and accounts by `Services.listener`, which `oauth.listener` implements.
"""

from oauth.apps import routes as apps_routes
from oauth.authorize import routes as authorize_routes
from oauth.blueprint import BLUEPRINTS
from oauth.clients import cli as clients_cli
from oauth.feed import routes as feed_routes
from oauth.keys import cli as keys_cli
from oauth.keys import routes as keys_routes
from oauth.logout import routes as logout_routes
from oauth.metadata import routes as metadata_routes
from oauth.resources import cli as resources_cli
from oauth.revocation import routes as revocation_routes
from oauth.token import routes as token_routes
from oauth.userinfo import routes as userinfo_routes

REGISTERED = (
    apps_routes,
    authorize_routes,
    clients_cli,
    feed_routes,
    keys_cli,
    keys_routes,
    logout_routes,
    metadata_routes,
    resources_cli,
    revocation_routes,
    token_routes,
    userinfo_routes,
)

__all__ = ["BLUEPRINTS"]
