"""The stylesheet, the modules and the icon, under a path that changes whenever one of them does.

A module imports its neighbours by relative paths, so that a page and all of its modules are
of one version: a browser never joins an old module to a new page.
"""

import hashlib
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from types import MappingProxyType

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from pages.texts import script_texts
from utils.errors import NotFound

STATIC = Path(__file__).parent / "static"
YEAR = 365 * 24 * 60 * 60
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def files() -> MappingProxyType[str, bytes]:
    """Return every file by its path below `static/`; the texts of the modules are one of them."""
    paths = [path for path in sorted(STATIC.rglob("*")) if path.suffix in TYPES]
    found = {path.relative_to(STATIC).as_posix(): path.read_bytes() for path in paths}
    return MappingProxyType(found | {"lib/texts.js": script_texts().encode()})


@cache
def version() -> str:
    """A digest of all of them."""
    digest = hashlib.sha256()
    for name, content in sorted(files().items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """The path of a file, for templates. Raises `KeyError` for a file there is not."""
    files()[name]
    return f"/assets/{version()}/{name}"


def answer(asked_version: str, name: str) -> AnyResponse:
    """A file. Only the present version may be kept, and that for good. Raises `NotFound`."""
    content = files().get(name)
    if content is None:
        raise NotFound
    kind = TYPES.get(Path(name).suffix) or guess_type(name)[0]
    response = Response(content, content_type=f"{kind}; charset=utf-8")
    response.add_etag()
    response.make_conditional(request)
    if asked_version == version() and response.status_code in {200, 304}:  # and not a 412
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
