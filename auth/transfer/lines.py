"""The lines of a file, read with a bound on their length."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_LINE = 16 * 1024  # bytes
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line that is not blank: its number from 1, its text or None if it is too long, and the bytes read."""

    number: int
    raw: bytes | None
    size: int  # with the blank lines before it


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """Yield the lines of a file that are not blank. One that is too long is skipped without being held."""
    number = size = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        size += len(raw)
        text: bytes | None = raw
        if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
            size += _skip(stream)
            text = None
        elif number == 1:
            text = raw.removeprefix(_BYTE_ORDER_MARK)
        if text is None or text.strip():
            yield Line(number, text, size)
            size = 0


def _skip(stream: BinaryIO) -> int:
    """Skip the rest of a line; return its bytes."""
    size = 0
    while part := stream.readline(MAX_LINE):
        size += len(part)
        if part.endswith(b"\n"):
            break
    return size
