"""The public keys over HTTP."""

from typing import Any

from oauth.blueprint import oauth_bp
from oauth.keys import outputs
from oauth.keys.publication import jwks
from utils.errors import NotFound
from utils.services import services
from utils.web.cors import from_any_origin
from utils.web.http import answers, unlimited
from utils.web.public import public_document


@oauth_bp.get("/jwks")
@from_any_origin
@answers(200, outputs.Jwks, errors=("not_found",))
@unlimited("the same bytes for everybody, from memory")
def jwks_document() -> Any:
    """Return the public keys that verify tokens for clients (JWKS). 404 while no client is registered."""
    document = jwks(services())
    if document is None:
        raise NotFound
    return public_document(document.body, document.etag)
