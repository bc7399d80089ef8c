"""The icons of the pages. The number in a test's name is that of the list of checks."""

import re
from pathlib import Path

from pages.routes import FORMS, PLAIN
from tests.support.memory_apps import memory_app

TEMPLATES = Path(__file__).parent.parent.parent / "pages" / "templates"
ICONS = TEMPLATES / "icons" / "lucide.html"
# What each icon says. A new icon needs a meaning that no other one has.
MEANINGS = {
    "check": "allowed",
    "chevron-down": "opens a menu",
    "circle-alert": "error",
    "circle-check": "success",
    "contrast": "contrast",
    "copy": "copy",
    "download": "download",
    "external-link": "opens in a new tab",
    "eye": "show",
    "eye-off": "hide",
    "fingerprint": "passkey",
    "history": "activity",
    "info": "information",
    "key-round": "API token",
    "languages": "language",
    "layout-grid": "apps",
    "loader-circle": "busy",
    "lock-keyhole": "security",
    "log-out": "log out",
    "mail": "mail",
    "monitor": "computer",
    "monitor-smartphone": "devices",
    "plus": "add",
    "shield-check": "second factor",
    "smartphone": "phone",
    "sun-moon": "appearance",
    "tablet": "tablet",
    "trash-2": "delete",
    "triangle-alert": "warning",
    "user": "profile",
}


SHAPES = dict(re.findall(r'name == "([\w-]+)" -%}\n(.+)$', ICONS.read_text("utf-8"), re.MULTILINE))


def test_212_every_icon_of_lucide_is_used_and_has_a_meaning_of_its_own() -> None:
    assert SHAPES.keys() == MEANINGS.keys()
    assert len(set(MEANINGS.values())) == len(set(SHAPES.values())) == len(MEANINGS)
    written = "".join(path.read_text("utf-8") for path in TEMPLATES.rglob("*.html") if path != ICONS)
    assert {name for name in SHAPES if f'"{name}"' in written} == SHAPES.keys()
    assert "Lucide Icons and Contributors" in (ICONS.parent / "LICENSE").read_text("utf-8")


def test_212_every_drawing_in_a_page_is_of_lucide_or_the_mark() -> None:
    with memory_app() as app:
        client = app.test_client()
        for path in FORMS | PLAIN:
            page = client.get(path).get_data(as_text=True)
            drawn = re.findall(r'<svg class="([^"]*)"[^>]*>(.*?)</svg>', page)
            assert len(drawn) == page.count("<svg") > 5, path
            for name, inside in drawn:
                known = SHAPES.get(name.removeprefix("icon icon--"))
                assert inside == known or name == "brand__mark", (path, name)
