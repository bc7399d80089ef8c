"""Contact sheets: small copies of many pictures in one, to look through all states of the screens."""

from base64 import b64encode
from html import escape
from pathlib import Path

from playwright.sync_api import Browser

_STYLE = """
body { margin: 16px; font: 14px/20px sans-serif; background: #808890; color: #000; }
main { display: grid; grid-template-columns: repeat(4, 452px); gap: 16px; }
figure { margin: 0; }
div { display: flex; gap: 8px; height: 300px; overflow: hidden; align-items: start; }
.desktop { width: 330px; }
.phone { width: 114px; }
"""


def write_sheet(browser: Browser, folder: Path, file: Path) -> None:
    """Write a JPEG of every state in a folder, whose pictures are `{state}-1280.png` and `{state}-360.png`.

    A picture that is longer than its place is cut off at the end.
    """
    names = sorted(path.name.removesuffix("-360.png") for path in folder.glob("*-360.png"))
    figures = "".join(_figure(folder, name) for name in names)
    page = browser.new_page(viewport={"width": 1888, "height": 800})
    page.set_content(f"<!doctype html><style>{_STYLE}</style><main>{figures}</main>", wait_until="load")
    page.screenshot(path=file, full_page=True, type="jpeg", quality=60)
    page.close()


def _figure(folder: Path, name: str) -> str:
    pictures = _image(folder / f"{name}-1280.png", "desktop") + _image(folder / f"{name}-360.png", "phone")
    return f"<figure><figcaption>{escape(name)}</figcaption><div>{pictures}</div></figure>"


def _image(file: Path, kind: str) -> str:
    return f'<img class="{kind}" src="data:image/png;base64,{b64encode(file.read_bytes()).decode()}">'
