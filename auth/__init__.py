"""Identity, credentials and sessions: packages by capability, over HTTP under `/auth`.

The import of this package registers every route on `auth_bp`, and names the modules of the commands.
"""

from auth.accounts import routes as accounts_routes
from auth.api_tokens import routes as api_tokens_routes
from auth.blueprint import auth_bp, auth_commands
from auth.emails import routes as emails_routes
from auth.factors import routes as factors_routes
from auth.login import routes as login_routes
from auth.passwords import routes as passwords_routes
from auth.revocation import routes as revocation_routes
from auth.sessions import routes as sessions_routes

REGISTERED = (
    accounts_routes,
    api_tokens_routes,
    emails_routes,
    factors_routes,
    login_routes,
    passwords_routes,
    revocation_routes,
    sessions_routes,
)
auth_commands.add_modules(
    "auth.admin.account_cli",
    "auth.admin.audit_cli",
    "auth.admin.cli",
    "auth.admin.copy_cli",
    "auth.api_tokens.cli",
    "auth.roles.cli",
    "auth.transfer.cli",
)

__all__ = ["auth_bp", "auth_commands"]
