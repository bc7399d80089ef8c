"""Pictures of every screen and state into docs/screens: `make screenshots`.

Each state in the specified colours and in English has a picture of its own, at the width of a phone and of a
desktop. A contact sheet shows all states in one look: a scheme, a contrast and a language. With a folder as
argument, every picture of every look is kept there besides.

Uses the real service on its own database, as the screen tests do; only docs/screens of the checkout changes.
"""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from sqlalchemy import create_engine

from bench.chromium import INSTALL, chromium
from tests.support.contact_sheets import write_sheet
from tests.support.screen_styles import STATES, choose
from tests.support.screens import FLAGS, Site
from tests.support.server import serving
from tests.support.translated_pages import translate
from utils.database.migrations import upgrade

FOLDER = Path(__file__).parent.parent.parent / "docs" / "screens"
SIZES = {360: 640, 1280: 800}


class Look(NamedTuple):
    """How a page is shown: the scheme, the contrast, and the language."""

    scheme: str
    contrast: str
    language: str

    @property
    def name(self) -> str:
        more = ["more-contrast"] if self.contrast == "more" else []
        return "-".join([self.scheme, *more, *([] if self.language == "en" else [self.language])])


LOOKS = [
    *(Look(scheme, contrast, "en") for scheme in ("light", "dark") for contrast in ("seed", "more")),
    *(Look(scheme, "seed", "de") for scheme in ("light", "dark")),
]


# What the choices at the foot of a page do: the attributes of the document decide all colours.
PUT_ON = """([scheme, contrast]) => {
  document.documentElement.dataset.scheme = scheme;
  document.documentElement.dataset.contrast = contrast;
  document.getElementById("scheme").value = scheme;
  document.getElementById("contrast").setAttribute("aria-pressed", contrast === "more");
}"""


def picture(page: Page, file: Path) -> None:
    """Take a full-page screenshot after all transitions have ended."""
    page.evaluate("document.fonts.ready")
    page.screenshot(path=file, full_page=True, animations="disabled", caret="hide")


def take(browser: Browser, site: Site, name: str, language: str, folders: dict[Look, Path]) -> None:
    """Take the pictures of a state in all looks of a language, at each size from a new profile."""
    for width, height in SIZES.items():
        shape: ViewportSize = {"width": width, "height": height}
        context = browser.new_context(
            viewport=shape, base_url=site.url, device_scale_factor=1, reduced_motion="reduce"
        )
        choose(context, site.url, scheme="light", contrast="seed", lang=language)
        page = context.new_page()
        if language != "en":
            translate(page, language)
        STATES[name](page)
        for look, folder in folders.items():
            if look.language == language:
                page.evaluate(PUT_ON, [look.scheme, look.contrast])
                picture(page, folder / f"{name}-{width}.png")
        page.unroute_all(behavior="ignoreErrors")
        context.close()


def take_all(site: Site, folder: Path) -> None:
    """Take all pictures into a folder for each look, and write the contact sheets."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in (*FOLDER.glob("*.png"), *FOLDER.glob("*.jpg")):
        old.unlink()
    folders = {look: FOLDER if number == 0 else folder / look.name for number, look in enumerate(LOOKS)}
    for each in folders.values():
        each.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for language in dict.fromkeys(look.language for look in LOOKS):
            for name in STATES:
                take(browser, site, name, language, folders)
        for look, pictures in folders.items():
            write_sheet(browser, pictures, FOLDER / f"sheet-{look.name}.jpg")
        browser.close()


def write_gallery(folder: Path) -> None:
    """Write a page that shows them all, phone beside desktop."""
    names = sorted(path.name.removesuffix("-360.png") for path in folder.glob("*-360.png"))
    sheets = [f"[{look.name.replace('-', ' ')}](sheet-{look.name}.jpg)" for look in LOOKS]
    rows = (f"{name}: ![{name}]({name}-360.png) ![{name}]({name}-1280.png)\n" for name in names)
    words = f"Contact sheets of all states: {', '.join(sheets)}.\n"
    more = "Below, every state at 360 and 1280 pixels, as taken by `make screenshots`.\n"
    (folder / "README.md").write_text("\n".join(["# Screens", "", words, more, *rows]), "utf-8")


def main() -> int:
    if chromium() is None:
        sys.stderr.write(f"{INSTALL}\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="screens-") as made:
        here = Path(made)
        database = f"sqlite:///{here / 'auth.db'}"
        engine = create_engine(database)
        upgrade(engine)
        engine.dispose()
        settings = {"RATE_LIMIT_ENABLED": "false", "MAIL_URL": f"file:{here / 'mail'}"}
        with serving(database, here, **settings) as server:
            take_all(Site(server, here / "mail"), Path(sys.argv[1]) if sys.argv[1:] else here)
    write_gallery(FOLDER)
    count = len([*FOLDER.glob("*.png"), *FOLDER.glob("*.jpg")])
    sys.stdout.write(f"{count} pictures in {FOLDER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
