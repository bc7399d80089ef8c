"""Static files under a path with their version.

Modules import each other by relative paths, so that a page and its modules always have the same version. Each
language has a version of its own, as its texts are one of the modules; so has each colour of the brand.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from types import MappingProxyType

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from pages.palette import stylesheet
from pages.texts import VARY, language, script_texts
from utils.errors import NotFound
from utils.languages.catalogue import Language, shipped
from utils.services import services

STATIC = Path(__file__).parent / "static"
CLIENT = Path(__file__).parent.parent / "sdk" / "js" / "index.js"
YEAR = 365 * 24 * 60 * 60
# In the order of the cascade.
STYLES = ("fonts.css", "colours.css", "base.css", "forms.css", "shell.css", "account.css", "authorize.css")
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}

COMPACT = {"font/woff2"}  # these are compressed already
ICON = "lib/icon.svg"
ICON_COLOR = b"#3182ce"


@cache
def _shared(brand: str | None) -> MappingProxyType[str, bytes]:
    """Return the files that all languages share, by their path below `static/`.

    `lib/auth.js` is the client of `sdk/js`. `lib/style.css` joins the stylesheets to save requests. The
    colour of the brand is in it and in the icon.
    """
    paths = [path for kind in ("js", "svg", "woff2") for path in sorted(STATIC.rglob(f"*.{kind}"))]
    found = {path.relative_to(STATIC).as_posix(): path.read_bytes() for path in paths}
    styles = [(STATIC / "styles" / name).read_bytes() for name in STYLES]
    style = b"\n".join([*styles, stylesheet(brand).encode()])
    icon = found[ICON].replace(ICON_COLOR, brand.encode()) if brand else found[ICON]
    made = {"lib/auth.js": CLIENT.read_bytes(), "lib/style.css": style, ICON: icon}
    return MappingProxyType(found | made)


@cache
def files(spoken: Language | None = None, brand: str | None = None) -> MappingProxyType[str, bytes]:
    """Return every file for pages in this language, by default English, with this colour of the brand.

    `lib/texts.js` has the texts of the scripts.
    """
    return MappingProxyType(_shared(brand) | {"lib/texts.js": script_texts(spoken or shipped().english)})


@cache
def compressed(content: bytes) -> bytes:
    """Return a file in gzip. It is the same for every caller, so that its length tells nothing."""
    return gzip.compress(content, mtime=0)


@cache
def version(spoken: Language | None = None, brand: str | None = None) -> str:
    """Return the version of these files: 12 hex digits of a digest of all of them."""
    digest = hashlib.sha256()
    for name, content in sorted(files(spoken, brand).items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def asset(name: str, spoken: Language | None = None, brand: str | None = None) -> str:
    """Return the URL path of one of these files. Raises `KeyError` for an unknown one."""
    files(spoken, brand)[name]
    return f"/assets/{version(spoken, brand)}/{name}"


def answer(requested_version: str, name: str) -> AnyResponse:
    """Return a file. Only a current version is cacheable, for a year. Raises `NotFound`."""
    languages, brand = services().languages.by_tag.values(), services().settings.brand_color
    current = next((each for each in languages if version(each, brand) == requested_version), None)
    content = files(current or language(), brand).get(name)
    if content is None:
        raise NotFound
    kind = TYPES[Path(name).suffix]
    is_text = kind not in COMPACT
    response = Response(content, content_type=f"{kind}; charset=utf-8" if is_text else kind)
    if current is None:
        response.vary.update(VARY)
    if is_text:
        response.vary.add("Accept-Encoding")
    if is_text and request.accept_encodings.quality("gzip") > 0:
        response.set_data(compressed(content))
        response.content_encoding = "gzip"
    response.add_etag()
    response.make_conditional(request)
    if current and response.status_code in {200, 304}:  # and not a 412
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
