"""The colours of the screens in four schemes, from the stylesheet (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config_brand import MIN_CONTRAST, WHITE, contrast
from pages.palette import derived, stylesheet
from tests.support.contrast import ratio

STYLES = Path(__file__).parent.parent.parent / "pages" / "static" / "styles"
ROLES = (STYLES / "colours.css").read_text("utf-8")
SCHEMES = ("light", "light more", "dark", "dark more")
GROUNDS = ("page", "card", "raised")
# Text, its grounds, and the contrast that it needs.
PAIRS: list[tuple[str, tuple[str, ...], float]] = [
    ("heading", (*GROUNDS, "pill"), 4.5),
    ("body", ("page", "card", "field", "button", "hover", "press", "input-off"), 4.5),
    ("label", (*GROUNDS, "hover", "press"), 4.5),
    ("helper", (*GROUNDS, "hover", "press"), 4.5),
    ("placeholder", ("field",), 4.5),
    ("link", GROUNDS, 4.5),
    ("link-active", ("card",), 4.5),
    ("error-text", ("card", "raised"), 4.5),
    ("success-text", ("card", "raised"), 4.5),
    ("danger", ("button",), 4.5),
    ("avatar-text", ("avatar",), 4.5),
    ("danger-hover-text", ("danger-hover",), 4.5),
    ("on-primary", ("primary", "primary-hover", "primary-active"), 4.5),
    ("primary", ("card",), 3),
    ("error", ("card", "field"), 3),
    ("success", ("card", "raised"), 3),
    ("warning", ("card",), 3),
    ("info", ("card",), 3),
    ("input-border", ("field", "card"), 3),
    ("check-border", ("card",), 3),
    ("icon", GROUNDS, 3),
    ("link", ("pill",), 3),  # the icon of the current section
    ("pill-bar", ("pill",), 3),
    ("focus", GROUNDS, 3),
]
# The design's own values, which more contrast mends.
AGREED = {
    *(("placeholder", "field"), ("input-border", "field"), ("input-border", "card")),
    *(("link", ground) for ground in GROUNDS),
    ("on-primary", "primary"),
}


def declared(selector: str, style: str = ROLES) -> dict[str, str]:
    """Return the roles that the first block with this selector declares."""
    block = re.search(rf"^ *{re.escape(selector)} \{{\n(.*?)^ *\}}", style, re.MULTILINE | re.DOTALL)
    assert block, selector
    return dict(re.findall(r"--([\w-]+): (.+);", block[1]))


def colours(scheme: str, brand: str | None = None) -> dict[str, str]:
    """Return the colour of each role in a scheme, as `rgb(…)`, with the colour of a brand or without."""
    styles = [ROLES, stylesheet(brand)] if brand else [ROLES]
    selectors = [":root", ':root[data-contrast="more"]'] if scheme.endswith(" more") else [":root"]
    cascade = (declared(selector, style) for selector in selectors for style in styles)
    found = {}
    for role, value in (item for block in cascade for item in block.items()):
        chosen = re.findall(r"#[0-9a-f]{6}", value)
        if chosen:
            colour = chosen[-1 if scheme.startswith("dark") else 0]
            found[role] = f"rgb({', '.join(str(byte) for byte in bytes.fromhex(colour[1:]))})"
    return found


def low(scheme: str, brand: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the pairs that have less contrast than they need."""
    found = colours(scheme, brand)
    for role, grounds, least in PAIRS:
        yield from ((role, each) for each in grounds if ratio(found[role], found[each]) < least)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_pair_of_colours_has_the_contrast_that_it_needs(scheme: str) -> None:
    assert set(low(scheme)) == (AGREED if scheme == "light" else set())


def test_schemes_have_the_contrasts_of_the_design() -> None:
    expected = {
        "light": {("heading", "card"): 16.32, ("link", "card"): 4.03},
        "light more": {("placeholder", "field"): 7.53},
        "dark": {("heading", "card"): 15.57, ("link", "card"): 9.50, ("body", "press"): 6.10},
        "dark more": {("on-primary", "primary"): 15.53, ("body", "page"): 20.03},
    }
    for scheme, pairs in expected.items():
        found = colours(scheme)
        for (role, ground), value in pairs.items():
            assert round(ratio(found[role], found[ground]), 2) == value, (scheme, role, ground)


def test_system_preference_has_the_roles_of_the_choice() -> None:
    assert declared(":root:not([data-contrast])") == declared(':root[data-contrast="more"]')


def test_other_stylesheets_use_roles_and_no_colours() -> None:
    known = set(declared(":root")) | {"font", "gutter", "menu", "between"}
    for path in STYLES.glob("*.css"):
        if path.name == "colours.css":
            continue
        style = re.sub(r'url\("data:[^"]*"\)', "", path.read_text("utf-8"))
        assert not re.search(r":[^;{]*#[0-9a-f]{3,8}\b[^;{]*;", style), path.name
        assert set(re.findall(r"var\(--([\w-]+)\)", style)) <= known, path.name
    used = "".join(path.read_text("utf-8") for path in STYLES.glob("*.css"))
    assert {role for role in declared(":root") if f"var(--{role})" not in used} == set()


STEPS = ("00", "33", "66", "99", "cc", "ff")
BRANDS = [f"#{red}{green}{blue}" for red in STEPS for green in STEPS for blue in STEPS]
DARK_ENOUGH = [each for each in BRANDS if contrast(each, WHITE) >= MIN_CONTRAST]
BLUES = "#3182ce #2c5282 #1a365d #90cdf4 #63b3ed #bee3f8".split()  # of the design
AGREED_WITH_A_BRAND = {("placeholder", "field"), ("input-border", "field"), ("input-border", "card")}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_colour_of_a_brand_has_relatives_with_the_contrast_that_they_need(scheme: str) -> None:
    assert len(DARK_ENOUGH) > 50
    for brand in [*DARK_ENOUGH, "#000000", "#2b6cb0", "#767676", "#0000ff", "#c40000", "#008000"]:
        assert set(low(scheme, brand)) == (AGREED_WITH_A_BRAND if scheme == "light" else set()), brand


def test_colour_of_a_brand_replaces_every_blue_but_that_of_information() -> None:
    more = ':root[data-contrast="more"]'
    for selector in (":root", more):
        blue = {role for role, value in declared(selector).items() if any(each in value for each in BLUES)}
        assert blue - {"info"} <= set(derived("#aa1155"))
    style = stylesheet("#aa1155")
    assert declared(":root:not([data-contrast])", style) == declared(more, style)
    assert stylesheet(None) == ""
