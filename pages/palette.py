"""The roles of `colours.css` that follow from `BRAND_COLOR`: primary, links, focus, mark and their relatives.

White text on the colour of the brand has a contrast of 4.5:1 (`config_brand.py`). Each derived text has
as much on its grounds in every scheme, and each ground and line 3:1 (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from collections.abc import Iterator
from colorsys import hls_to_rgb, rgb_to_hls
from typing import NamedTuple

from config_brand import WHITE, contrast, luminance, rgb

BLACK = "#000000"
MAX_SATURATION = 0.6  # of lighter colours, 0 to 1: they are grounds of a whole button
# Grounds of `colours.css`, which do not depend on the brand.
LIGHT_PAGE, DARK_CARD, DARK_RAISED, BLACK_CARD = "#f7fafc", "#1a202c", "#2d3748", "#12161f"


class Role(NamedTuple):
    """Values of a role in the light and the dark scheme, and in both with more contrast."""

    light: str
    dark: str
    light_more: str
    dark_more: str


def mixed(value: str, other: str, share: float) -> str:
    """Return the colour with this share of another one, 0 to 1."""
    parts = (round(a + (b - a) * share) for a, b in zip(rgb(value), rgb(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def lighter(value: str, share: float) -> str:
    """Return the colour with this share, 0 to 1, of the way to white, in its hue."""
    hue, lightness, saturation = rgb_to_hls(*(part / 255 for part in rgb(value)))
    parts = hls_to_rgb(hue, lightness + (1 - lightness) * share, min(saturation, MAX_SATURATION))
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def readable(value: str, ground: str, ratio: float) -> str:
    """Return the colour, lighter on a dark ground and darker on a light one, with this contrast.

    Returns white or black if no other one has it.
    """
    if contrast(value, ground) >= ratio:
        return value
    is_dark = luminance(ground) < 0.18
    for percent in range(2, 100, 2):
        share = percent / 100
        found = lighter(value, share) if is_dark else mixed(value, BLACK, share)
        if contrast(found, ground) >= ratio:
            return found
    return WHITE if is_dark else BLACK


def derived(brand: str) -> dict[str, Role]:
    """Return the roles that follow from the colour of the brand, with the contrasts of the design."""
    strong = readable(brand, WHITE, 7)
    pale, palest = readable(brand, DARK_CARD, 7), readable(brand, BLACK_CARD, 12)
    link, dark_link = readable(brand, LIGHT_PAGE, 4.5), readable(brand, DARK_RAISED, 6.5)
    mark, tint = readable(brand, DARK_CARD, 3), mixed(brand, WHITE, 0.8)
    hover, active = mixed(brand, BLACK, 0.35), mixed(brand, BLACK, 0.6)
    strong_hover, strong_active = mixed(strong, BLACK, 0.35), mixed(strong, BLACK, 0.6)
    return {
        "primary": Role(brand, pale, strong, palest),
        "primary-hover": Role(hover, mixed(pale, WHITE, 0.35), strong_hover, WHITE),
        "primary-active": Role(active, mixed(pale, WHITE, 0.6), strong_active, "#e2e8f0"),
        "primary-off": Role(mixed(brand, WHITE, 0.55), mixed(brand, DARK_CARD, 0.4), "#4a5568", "#a0aec0"),
        "link": Role(link, dark_link, strong, palest),
        "link-active": Role(mixed(link, BLACK, 0.35), mixed(dark_link, WHITE, 0.4), strong_hover, WHITE),
        "focus": Role(brand, pale, strong_hover, WHITE),
        "mark": Role(brand, mark, brand, mark),
        "pill-bar": Role(brand, pale, strong, WHITE),
        "avatar": Role(tint, dark_link, tint, WHITE),
        "avatar-text": Role(readable(brand, tint, 5.5), DARK_CARD, readable(brand, tint, 7), BLACK),
    }


def stylesheet(brand: str | None) -> str:
    """Return the CSS that follows `colours.css`; it is empty without a colour of the brand."""
    if brand is None:
        return ""
    roles = derived(brand)
    plain = [f"  --{name}: light-dark({role.light}, {role.dark});" for name, role in roles.items()]
    more = [f"  --{name}: light-dark({role.light_more}, {role.dark_more});" for name, role in roles.items()]
    return "\n".join(_blocks(plain, more)) + "\n"


def _blocks(plain: list[str], more: list[str]) -> Iterator[str]:
    yield from (":root {", *plain, "}")
    yield from (':root[data-contrast="more"] {', *more, "}")
    yield from ("@media (prefers-contrast: more) {", ":root:not([data-contrast]) {", *more, "}", "}")
