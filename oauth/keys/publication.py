"""The public keys as they are published (JWKS; RFC 7517, 5)."""

from functools import lru_cache

from oauth.documents import Document
from utils.services import Services


def jwks(services: Services) -> Document | None:
    """Return the public keys, or None while no client is registered. Makes the first ones."""
    if not services.signer.has_clients(services):
        return None
    keys = services.signer.published(services)
    if services.has_tx():  # the very first keys, or keys that were read again
        services.tx().commit()
    return _document(tuple(tuple(key.items()) for key in keys))


@lru_cache(maxsize=16)
def _document(keys: tuple[tuple[tuple[str, str], ...], ...]) -> Document:
    return Document.of({"keys": [dict(key) for key in keys]})
