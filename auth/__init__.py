"""Identity, credentials and sessions: packages by capability, over HTTP under `/auth`.

The import of this package registers every route and command on `auth_bp`.
"""

from auth.accounts import routes as accounts_routes
from auth.admin import account_cli, audit_cli, cli, copy_cli
from auth.api_tokens import cli as api_tokens_cli
from auth.api_tokens import routes as api_tokens_routes
from auth.blueprint import auth_bp
from auth.emails import routes as emails_routes
from auth.factors import routes as factors_routes
from auth.login import routes as login_routes
from auth.passwords import routes as passwords_routes
from auth.revocation import routes as revocation_routes
from auth.roles import cli as roles_cli
from auth.sessions import routes as sessions_routes
from auth.transfer import cli as transfer_cli

REGISTERED = (
    accounts_routes,
    api_tokens_routes,
    emails_routes,
    factors_routes,
    login_routes,
    passwords_routes,
    revocation_routes,
    sessions_routes,
    account_cli,
    audit_cli,
    cli,
    copy_cli,
    api_tokens_cli,
    roles_cli,
    transfer_cli,
)

__all__ = ["auth_bp"]
