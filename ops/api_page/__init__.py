"""`/docs`: the API description in Swagger UI.

All files are served from this origin; those of Swagger UI come from an installed package. The HTML page is
our own, because the original needs inline scripts, which the Content-Security-Policy forbids.
"""

from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from utils.errors import NotFound
from utils.services import services
from utils.web.http import limited

HERE = Path(__file__).parent
SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
FILES = {
    "page.css": HERE,
    "page.js": HERE,
    "swagger-ui.css": SWAGGER_UI,
    "swagger-ui-bundle.js": SWAGGER_UI,
    "favicon-32x32.png": SWAGGER_UI,
}
# Swagger UI sets inline styles and uses data: images.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

api_page_bp = Blueprint("api_page", __name__, url_prefix="/docs")


@api_page_bp.before_request
def require_docs_enabled() -> None:
    if not services().settings.docs_enabled:
        raise NotFound


@api_page_bp.get("")
@limited("reads")
def page() -> Response:
    """Return the API page."""
    response = Response(_content(HERE / "page.html"), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


@api_page_bp.get("/<name>")
@limited("reads")
def file(name: str) -> AnyResponse:
    """Return a file of the API page. Raises `NotFound` for names that are not in `FILES`."""
    if name not in FILES:
        raise NotFound
    response = Response(_content(FILES[name] / name), mimetype=guess_type(name)[0])
    response.cache_control.public = True
    response.cache_control.max_age = 24 * 60 * 60
    response.add_etag()
    return response.make_conditional(request)


@lru_cache
def _content(path: Path) -> bytes:
    return path.read_bytes()
