"""Return addresses: where a person may be sent after a login or a logout (ASVS 3.7.2).

These are addresses on an origin of `RETURN_ORIGINS`, and paths of this service. This module and
`pages/safety.py`, which knows the paths, decide alone: the scripts of the pages take the result.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from config_values import origin

MAX_LENGTH = 2048  # characters


def is_on(address: str, origins: Iterable[str]) -> bool:
    """Return whether the address leads to one of these origins in every browser.

    It begins with the origin, byte for byte, and then ends or has its path, query or fragment. User names,
    other ports, other spellings of the scheme or host, and what a browser would change are refused.
    """
    if len(address) > MAX_LENGTH or has_unsafe_characters(address):
        return False
    return any(
        address == each or address.startswith((f"{each}/", f"{each}?", f"{each}#")) for each in origins
    )


def has_unsafe_characters(text: str) -> bool:
    """Return whether browsers drop or change a character (WHATWG URL: controls, spaces and backslashes)."""
    return any(char == "\\" or ord(char) < 0x21 or ord(char) == 0x7F for char in text)


def origin_of(address: str) -> str | None:
    """Return the origin of a URL as a browser writes it, or None if it has none."""
    if has_unsafe_characters(address):
        return None
    try:
        parts = urlsplit(address)
        return origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return None
