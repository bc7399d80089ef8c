"""The choice of a language by `Accept-Language` (RFC 9110, 12.5.4; RFC 4647, 3)."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

MAX_HEADER = 512  # characters; the rest is not read
MAX_RANGES = 20
_QUALITY = r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?"
_RANGE = re.compile(
    rf"[ \t]*(\*|[A-Za-z]{{1,8}}(?:-[A-Za-z0-9]{{1,8}}){{0,7}})[ \t]*(?:;[ \t]*[qQ]=({_QUALITY})[ \t]*)?"
)


@lru_cache(maxsize=256)
def accepted(header: str, available: tuple[str, ...]) -> str | None:
    """Return the available language that the header prefers; None if it names none of them.

    Ranges are compared by quality, then by order. Each looks for itself, then without its last subtag, and so
    on (lookup), then for a language that it is the beginning of (`pt` takes `pt-BR`). A language that has
    quality 0 is never taken, `*` takes none, and what is malformed is skipped.
    """
    asked, refused = _ranges(header)
    offered = [tag for tag in available if tag.lower() not in refused]
    return next((found for wanted in asked if (found := _found(wanted, offered))), None)


def first_available(tags: Iterable[str], available: Sequence[str]) -> str | None:
    """Return the available language for the first of these tags that has one."""
    return next((found for tag in tags if (found := _found(tag.lower(), available))), None)


def _ranges(header: str) -> tuple[list[str], set[str]]:
    """Return the ranges in the order in which they are preferred, and those that are refused."""
    asked: list[tuple[float, str]] = []
    refused = set()
    for part in header[:MAX_HEADER].split(",", MAX_RANGES)[:MAX_RANGES]:
        match = _RANGE.fullmatch(part)
        if match is None or match[1] == "*":
            continue
        quality = float(match[2] or 1)
        if quality:
            asked.append((-quality, match[1].lower()))
        else:
            refused.add(match[1].lower())
    return [wanted for _, wanted in sorted(asked, key=lambda each: each[0])], refused


def _found(wanted: str, available: Sequence[str]) -> str | None:
    known = {tag.lower(): tag for tag in available}
    subtags = wanted.split("-")
    for length in range(len(subtags), 0, -1):
        if found := known.get("-".join(subtags[:length])):
            return found
    return next((tag for low, tag in known.items() if low.startswith(f"{wanted}-")), None)
