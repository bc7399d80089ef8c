"""Static files under a path with their version.

Modules import each other by relative paths, so that a page and its modules always have the same version.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from types import MappingProxyType

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from pages.texts import script_texts
from utils.errors import NotFound

STATIC = Path(__file__).parent / "static"
CLIENT = Path(__file__).parent.parent / "sdk" / "js" / "index.js"
YEAR = 365 * 24 * 60 * 60
STYLES = ("fonts.css", "base.css", "forms.css", "account.css", "authorize.css")  # in the order of the cascade
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}

COMPACT = {"font/woff2"}  # these are compressed already


@cache
def files() -> MappingProxyType[str, bytes]:
    """Return every file by its path below `static/`, and three of other origin.

    `lib/auth.js` is the client of `sdk/js`. `lib/texts.js` has the texts of the scripts. `lib/style.css`
    joins the stylesheets to save requests.
    """
    paths = [path for kind in ("js", "svg", "woff2") for path in sorted(STATIC.rglob(f"*.{kind}"))]
    found = {path.relative_to(STATIC).as_posix(): path.read_bytes() for path in paths}
    styles = [(STATIC / "styles" / name).read_bytes() for name in STYLES]
    texts = script_texts().encode()
    made = {"lib/auth.js": CLIENT.read_bytes(), "lib/texts.js": texts, "lib/style.css": b"\n".join(styles)}
    return MappingProxyType(found | made)


@cache
def compressed(name: str) -> bytes:
    """Return a file in gzip. It is the same for every caller, so that its length tells nothing."""
    return gzip.compress(files()[name], mtime=0)


@cache
def version() -> str:
    """Return the version: 12 hex digits of a digest of all files."""
    digest = hashlib.sha256()
    for name, content in sorted(files().items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """Return the URL path of a file, for templates. Raises `KeyError` if the file does not exist."""
    files()[name]
    return f"/assets/{version()}/{name}"


def answer(requested_version: str, name: str) -> AnyResponse:
    """Return a file. Only the current version is cacheable, for a year. Raises `NotFound`."""
    content = files().get(name)
    if content is None:
        raise NotFound
    kind = TYPES[Path(name).suffix]
    is_text = kind not in COMPACT
    response = Response(content, content_type=f"{kind}; charset=utf-8" if is_text else kind)
    if is_text:
        response.vary.add("Accept-Encoding")
    if is_text and request.accept_encodings.quality("gzip") > 0:
        response.set_data(compressed(name))
        response.content_encoding = "gzip"
    response.add_etag()
    response.make_conditional(request)
    if requested_version == version() and response.status_code in {200, 304}:  # and not a 412
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
