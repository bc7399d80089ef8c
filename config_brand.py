"""Parsers of the settings of the brand, and the contrast of colours. Imports nothing of this project.

`pages/palette.py` derives the other colours from `BRAND_COLOR`.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

MAX_LOGO_BYTES = 100_000
MIN_CONTRAST = 4.5  # of text (WCAG 2.2, 1.4.3)
WHITE = "#ffffff"
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG_ROOT = "http://www.w3.org/2000/svg svg"
_SUFFIXES = {"image/png": "png", "image/svg+xml": "svg"}


@dataclass(frozen=True, slots=True)
class Image:
    """A logo: its bytes, and its media type, which is that of the bytes."""

    content: bytes = field(repr=False)
    media_type: str

    @property
    def name(self) -> str:
        """The name of its URL: a digest, so that browsers may keep it."""
        return f"{hashlib.sha256(self.content).hexdigest()[:12]}.{_SUFFIXES[self.media_type]}"


def logo(text: str) -> Image:
    """Return the image at this path. Raises `ValueError` if it cannot be read, is too large or no image."""
    try:
        with Path(text).open("rb") as file:
            content = file.read(MAX_LOGO_BYTES + 1)
    except FileNotFoundError:
        raise ValueError(
            f"must be the path of a file. There is no such file: {Path(text).absolute()}"
        ) from None
    except (OSError, ValueError) as problem:
        fault = f"must be the path of a file; it cannot be read ({type(problem).__name__})"
        raise ValueError(fault) from None
    if len(content) > MAX_LOGO_BYTES:
        raise ValueError("must be a file of at most 100 kB")
    if content.startswith(_PNG) and content[12:16] == b"IHDR":
        return Image(content, "image/png")
    if _is_svg(content):
        return Image(content, "image/svg+xml")
    raise ValueError(
        "must be an SVG or PNG file; an SVG is well-formed XML in its namespace, without entities"
    )


def _is_svg(content: bytes) -> bool:
    """Return whether it is well-formed XML whose root is `svg` and that declares no entities."""
    roots: list[str] = []

    def begin(name: str, _attributes: object) -> None:
        if not roots:
            roots.append(name)

    def refuse(*_declaration: object) -> None:
        raise ValueError

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):  # LookupError: an unknown encoding
        return False
    return roots == [_SVG_ROOT]


def color(text: str) -> str:
    """Return a colour as `#rrggbb`. Raises `ValueError` if white text on it has too little contrast."""
    if not re.fullmatch(r"#?[0-9A-Fa-f]{6}", text):
        raise ValueError("must be a colour such as #2b6cb0: six hexadecimal digits")
    found = f"#{text.removeprefix('#').lower()}"
    ratio = contrast(found, WHITE)
    if ratio < MIN_CONTRAST:
        shown = min(ratio, MIN_CONTRAST - 0.01)  # 4.499 is too little, and is not shown as 4.50
        raise ValueError(
            f"must have a contrast of at least {MIN_CONTRAST}:1 with white text, and has {shown:.2f}:1; "
            "choose a darker colour"
        )
    return found


def rgb(value: str) -> tuple[int, int, int]:
    """Return red, green and blue of `#rrggbb`, 0 to 255 each."""
    red, green, blue = bytes.fromhex(value[1:])
    return red, green, blue


def luminance(value: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    shares = [part / 255 for part in rgb(value)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
