"""Screenshots of every screen and state, at phone and desktop width, into docs/screens.

Uses the real service on its own database, as the screen tests do; only that folder of the checkout changes.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, ViewportSize, sync_playwright
from sqlalchemy import create_engine

from bench.chromium import INSTALL, chromium
from tests.support.screen_styles import STATES, State, choose_contrast
from tests.support.screens import FLAGS, Site
from tests.support.server import serving
from utils.database.migrations import upgrade

FOLDER = Path(__file__).parent.parent.parent / "docs" / "screens"
SIZES = {360: 640, 1280: 800}
WITH_MORE_CONTRAST = ("login", "login-errors", "signup", "signup-errors", "account-devices")


def picture(page: Page, name: str, folder: Path) -> None:
    """Take a full-page screenshot after all transitions have ended."""
    page.evaluate("document.fonts.ready")
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.screenshot(path=folder / f"{name}-{width}.png", full_page=True, animations="disabled", caret="hide")


def take(context: BrowserContext, name: str, state: State, folder: Path) -> None:
    page = context.new_page()
    state(page)
    picture(page, name, folder)
    page.unroute_all(behavior="ignoreErrors")
    page.close()


def take_all(site: Site, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for width, height in SIZES.items():
            shape: ViewportSize = {"width": width, "height": height}
            for contrast, names in (("seed", list(STATES)), ("more", list(WITH_MORE_CONTRAST))):
                for name in names:
                    context = browser.new_context(
                        viewport=shape,
                        base_url=site.url,
                        device_scale_factor=1,
                        reduced_motion="reduce",
                    )
                    choose_contrast(context, site.url, contrast)
                    suffix = "" if contrast == "seed" else "-more-contrast"
                    take(context, name + suffix, STATES[name], folder)
                    context.close()
        browser.close()


def write_gallery(folder: Path) -> None:
    """Write a page that shows them all, phone beside desktop."""
    names = sorted(path.name.removesuffix("-360.png") for path in folder.glob("*-360.png"))
    rows = (f"{name}: ![{name}]({name}-360.png) ![{name}]({name}-1280.png)\n" for name in names)
    words = "Every screen and state at 360 and 1280 pixels, taken by `make screenshots`.\n"
    (folder / "README.md").write_text("\n".join(["# Screens", "", words, *rows]), "utf-8")


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
            take_all(Site(server, here / "mail"), FOLDER)
    write_gallery(FOLDER)
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
