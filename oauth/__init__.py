"""The OpenID Connect provider: applications log people in with this service (OAuth 2.0, OpenID Connect Core).

The import of this package registers every route on its blueprints, and names the modules of its commands.
`auth` never imports it: it tells of ended sessions and accounts by `Services.listener`, which
`oauth.listener` implements.
"""

from auth.blueprint import auth_commands
from oauth.apps import routes as apps_routes
from oauth.authorize import routes as authorize_routes
from oauth.blueprint import BLUEPRINTS
from oauth.feed import routes as feed_routes
from oauth.keys import routes as keys_routes
from oauth.logout import routes as logout_routes
from oauth.metadata import routes as metadata_routes
from oauth.revocation import routes as revocation_routes
from oauth.token import routes as token_routes
from oauth.userinfo import routes as userinfo_routes

REGISTERED = (
    apps_routes,
    authorize_routes,
    feed_routes,
    keys_routes,
    logout_routes,
    metadata_routes,
    revocation_routes,
    token_routes,
    userinfo_routes,
)
auth_commands.add_modules("oauth.clients.cli", "oauth.keys.cli", "oauth.resources.cli")

__all__ = ["BLUEPRINTS"]
