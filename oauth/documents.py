"""Documents that are the same for everybody: their bytes and the tag by which caches ask for changes."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple, Self


class Document(NamedTuple):
    """A JSON document. `etag` is of its bytes (RFC 9110, 8.8.3), without quotation marks."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        body = json.dumps(content, separators=(",", ":")).encode()
        return cls(body, sha256(body).hexdigest()[:32])
