"""Contrast of two colours, as the browser writes them."""

import re


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of an opaque colour, as the browser writes it."""
    found = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert found, f"{colour} is no plain colour"
    return int(found[1]), int(found[2]), int(found[3])


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    shares = [part / 255 for part in rgb(colour)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
