"""The metadata over HTTP, at the addresses of both specifications."""

from flask import Response

from oauth.blueprint import well_known_bp
from oauth.metadata import outputs
from oauth.metadata.content import metadata
from utils.errors import NotFound
from utils.services import services
from utils.web.cors import from_any_origin
from utils.web.http import answers, unlimited
from utils.web.public import public_document

WHY = "the same bytes for everybody, from memory"


@well_known_bp.get("/openid-configuration")
@from_any_origin
@answers(200, outputs.Metadata, errors=("not_found",))
@unlimited(WHY)
def openid_configuration() -> Response:
    """Return the metadata of the provider (OpenID Connect Discovery). 404 while no client is registered."""
    return _answer()


@well_known_bp.get("/oauth-authorization-server")
@from_any_origin
@answers(200, outputs.Metadata, errors=("not_found",))
@unlimited(WHY)
def authorization_server() -> Response:
    """Return the same metadata as `/.well-known/openid-configuration` (RFC 8414)."""
    return _answer()


def _answer() -> Response:
    given = services()
    document = metadata(given)
    if document is None:
        raise NotFound
    return public_document(document.body, document.etag, repeat_while=lambda: metadata(given) is document)
