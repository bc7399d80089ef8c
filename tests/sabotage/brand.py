"""Rules about the colour and the logo of a brand."""

from tests.sabotage import Sabotage

BRAND, LOGOS = "config_brand.py", "pages/brand.py"
BRANDS = [
    Sabotage(
        "white text on the colour of the brand is readable",
        BRAND,
        "    if ratio < MIN_CONTRAST:\n",
        "    if ratio < 3:\n",
        "test_brand_settings.py::test_colour_needs_contrast_with_white_text",
    ),
    Sabotage(
        "a logo has a limit of size",
        BRAND,
        "    if len(content) > MAX_LOGO_BYTES:\n",
        "    if not content:\n",
        "test_brand_settings.py::test_logo_has_a_limit_of_size",
    ),
    Sabotage(
        "a logo has the type of its bytes",
        LOGOS,
        "content_type=image.media_type",
        'content_type="image/svg+xml"',
        "test_brand_settings.py::test_logo_is_served_with_its_type_and_without_scripts",
    ),
    Sabotage(
        "a logo that is opened as a page runs no script",
        LOGOS,
        '    response.headers["Content-Security-Policy"] = POLICY\n',
        "",
        "test_brand_settings.py::test_logo_is_served_with_its_type_and_without_scripts",
    ),
]
