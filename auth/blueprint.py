"""The blueprint under `/auth`. It stands apart from its routes, so that there is no import cycle."""

from flask import Blueprint

auth_bp = Blueprint("auth", __name__, url_prefix="/auth")
