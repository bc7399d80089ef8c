"""The OpenID Connect provider: applications log people in with this service (OAuth 2.0, OpenID Connect Core).

The import of this package registers every route and command on its blueprints. `auth` never imports it: it
tells of ended sessions and accounts by `Services.listener`, which `oauth.listener` implements.
"""

from oauth.authorize import routes as authorize_routes
from oauth.blueprint import BLUEPRINTS

REGISTERED = (authorize_routes,)

__all__ = ["BLUEPRINTS"]
