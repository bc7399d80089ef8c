"""`BRAND_COLOR`, `BRAND_LOGO` and `BRAND_LOGO_DARK`: what is refused, and what the pages show."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from pages import assets
from tests.support.memory_apps import memory_app
from tests.support.production import faults, load

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 24"><rect width="48" height="24"/></svg>'
SCRIPTED = SVG.replace(b"<rect", b"<script>alert(1)</script><rect")
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II5x", 48, 24)
FAULTY = {
    "gif": b"GIF89a",
    "empty": b"",
    "html": b"<html><body>logo</body></html>",
    "no namespace": b"<svg><rect/></svg>",
    "not closed": SVG[:-6],
    "entities": b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG,
    "unknown encoding": b'<?xml version="1.0" encoding="x-none"?>' + SVG,
    "half a PNG": PNG[:12],
}


def written(folder: Path, content: bytes, name: str = "logo") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def test_colour_needs_contrast_with_white_text() -> None:
    refused = "BRAND_COLOR must have a contrast of at least 4.5:1 with white text, and has {}:1; "
    refused += "choose a darker colour."
    for color, ratio in (("#3182ce", "4.03"), ("#ffffff", "1.00"), ("#777777", "4.48")):
        assert faults(BRAND_COLOR=color) == [refused.format(ratio)]
    for color, taken in (("#767676", "#767676"), ("2B6CB0", "#2b6cb0"), ("", None)):
        assert load(BRAND_COLOR=color).brand_color == taken
    for color in ("blue", "#fff", "#2b6cb0ff", "#2b6cbg", "rgb(0,0,0)", "##2b6cb0"):
        (told,) = faults(BRAND_COLOR=color)
        assert told == "BRAND_COLOR must be a colour such as #2b6cb0: six hexadecimal digits."


def test_logo_is_a_small_svg_or_png_file(tmp_path: Path) -> None:
    for content, kind in ((SVG, "image/svg+xml"), (SCRIPTED, "image/svg+xml"), (PNG, "image/png")):
        image = load(BRAND_LOGO=written(tmp_path, content)).brand_logo
        assert image is not None
        assert (image.content, image.media_type) == (content, kind)
    for name, content in FAULTY.items():
        (told,) = faults(BRAND_LOGO=written(tmp_path, content))
        assert told.startswith("BRAND_LOGO must be an SVG or PNG file"), name


def test_logo_has_a_limit_of_size(tmp_path: Path) -> None:
    largest = PNG + bytes(100_000 - len(PNG))
    assert load(BRAND_LOGO=written(tmp_path, largest)).brand_logo
    assert faults(BRAND_LOGO=written(tmp_path, largest + b"x")) == [
        "BRAND_LOGO must be a file of at most 100 kB."
    ]


def test_fault_in_the_path_of_a_logo_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("nope.svg", str(tmp_path / "nope.svg")):
        (told,) = faults(BRAND_LOGO=path)
        start = "BRAND_LOGO must be the path of a file. There is no such file: "
        assert told == f"{start}{tmp_path}/nope.svg."
    (told,) = faults(BRAND_LOGO=str(tmp_path))
    assert told == "BRAND_LOGO must be the path of a file; it cannot be read (IsADirectoryError)."
    assert faults(BRAND_LOGO_DARK=written(tmp_path, SVG)) == ["BRAND_LOGO_DARK requires BRAND_LOGO."]
    both = faults(BRAND_LOGO=str(tmp_path), BRAND_LOGO_DARK=written(tmp_path, SVG))
    assert [told.split()[0] for told in both] == ["BRAND_LOGO"]


@pytest.fixture
def branded(tmp_path: Path) -> Iterator[FlaskClient]:
    logo, dark = written(tmp_path, SCRIPTED, "logo.svg"), written(tmp_path, PNG, "dark.png")
    settings = {
        "BRAND_NAME": "Ann & Co",
        "BRAND_COLOR": "#aa1155",
        "BRAND_LOGO": logo,
        "BRAND_LOGO_DARK": dark,
    }
    with memory_app(settings) as app:
        yield app.test_client()


def test_logo_is_served_with_its_type_and_without_scripts(branded: FlaskClient) -> None:
    page = branded.get("/login").get_data(as_text=True)
    assert page.count('alt="Ann &amp; Co" height="24"') == 2
    assert page.count("Ann &amp; Co") == 4  # with the title and the data attribute: the name is not printed
    paths = [
        part.partition('"')[0]
        for part in page.split('class="brand__logo')[1:]
        for part in [part.partition('src="')[2]]
    ]
    for path, content, kind in zip(paths, (SCRIPTED, PNG), ("image/svg+xml", "image/png"), strict=True):
        answer = branded.get(path)
        assert (answer.status_code, answer.data, answer.content_type) == (200, content, kind)
        policy = answer.headers["Content-Security-Policy"]
        assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert branded.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert branded.get("/assets/brand/000000000000.svg").status_code == 404


def test_stylesheet_with_the_colour_of_a_brand_has_a_path_of_its_own(branded: FlaskClient) -> None:
    page = branded.get("/login").get_data(as_text=True)
    path = assets.asset("lib/style.css", brand="#aa1155")
    assert f'href="{path}"' in page
    assert path != assets.asset("lib/style.css")
    style = branded.get(path)
    assert "--primary: light-dark(#aa1155, " in style.text
    assert "immutable" in style.headers["Cache-Control"]
    assert b'fill="#aa1155"' in branded.get("/favicon.ico").data
    assert b"style=" not in branded.get("/login").data
