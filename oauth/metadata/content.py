"""The metadata of the provider. It names what this service does, and every claim of it is tested."""

from collections.abc import Sequence
from functools import lru_cache

from oauth.authorize.request import Prompt
from oauth.clients.definition import STANDARD_SCOPES
from oauth.documents import Document
from oauth.metadata.outputs import Metadata
from utils.crypto.jws import ALGORITHMS
from utils.services import Services

_WITH_SECRET = ["client_secret_basic", "client_secret_post"]


def metadata(services: Services) -> Document | None:
    """Return the document, or None while no client is registered.

    The issuer is `PUBLIC_URL`, never the `Host` of a request.
    """
    if not services.signer.has_clients(services):
        return None
    has_pages = services.settings.pages_enabled
    return _document(services.settings.public_url, services.languages.tags, has_pages=has_pages)


def content(issuer: str, languages: Sequence[str]) -> Metadata:
    """Return the members of the document. Scopes with power, such as `roles`, are not advertised."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "scopes_supported": [*STANDARD_SCOPES],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [*ALGORITHMS],
        "token_endpoint_auth_methods_supported": [*_WITH_SECRET, "none"],
        "revocation_endpoint_auth_methods_supported": [*_WITH_SECRET, "none"],
        "introspection_endpoint_auth_methods_supported": [*_WITH_SECRET],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "amr", "at_hash", "sid"),
            *("preferred_username", "name", "email", "email_verified"),
        ],
        "prompt_values_supported": [*Prompt],
        "ui_locales_supported": [*languages],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "client_id_metadata_document_supported": False,
    }


@lru_cache(maxsize=16)
def _document(issuer: str, languages: tuple[str, ...], *, has_pages: bool) -> Document:
    members = content(issuer, languages)
    if not has_pages:  # the log-out is one of the screens
        del members["end_session_endpoint"]
    return Document.of(members)
