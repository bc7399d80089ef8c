"""The domain: accounts and their sessions, over HTTP under `/auth`."""

from flask import Blueprint

auth_bp = Blueprint("auth", __name__, url_prefix="/auth", cli_group="auth")

# Last, so that `from auth import auth_bp` gives a blueprint with all its routes and commands.
from auth import cli as cli  # noqa: E402
from auth.routes import accounts as accounts  # noqa: E402
from auth.routes import activity as activity  # noqa: E402
from auth.routes import emails as emails  # noqa: E402
from auth.routes import factors as factors  # noqa: E402
from auth.routes import passkeys as passkeys  # noqa: E402
from auth.routes import passwords as passwords  # noqa: E402
from auth.routes import sessions as sessions  # noqa: E402
