"""The logos of `BRAND_LOGO` and `BRAND_LOGO_DARK`: their paths, and the responses with them."""

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from config import Settings
from config_brand import Image
from pages.assets import YEAR
from utils.errors import NotFound
from utils.services import services

# An image that is opened as a page has an origin of its own, runs no script and loads nothing.
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'"


def logos(settings: Settings) -> dict[str, str]:
    """Return the URL paths of the logos by scheme, `light` and `dark`, as far as they are set."""
    found: dict[str, Image | None] = {"light": settings.brand_logo, "dark": settings.brand_logo_dark}
    return {scheme: f"/assets/brand/{image.name}" for scheme, image in found.items() if image}


def answer(name: str) -> AnyResponse:
    """Return the logo with this name, cacheable for a year. Raises `NotFound`."""
    settings = services().settings
    images = (settings.brand_logo, settings.brand_logo_dark)
    image = next((each for each in images if each and each.name == name), None)
    if image is None:
        raise NotFound
    response = Response(image.content, content_type=image.media_type)
    response.headers["Content-Security-Policy"] = POLICY
    response.add_etag()
    response.make_conditional(request)
    if response.status_code in {200, 304}:  # and not a 412
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
