"""The blueprints of the provider. They stand apart from its routes, so that there is no import cycle."""

from flask import Blueprint

oauth_bp = Blueprint("oauth", __name__, url_prefix="/oauth")  # called by applications and browsers
well_known_bp = Blueprint("well_known", __name__, url_prefix="/.well-known")
account_bp = Blueprint("oauth_account", __name__, url_prefix="/auth")  # called by the screens

BLUEPRINTS = (oauth_bp, well_known_bp, account_bp)
