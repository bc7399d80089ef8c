"""A user agent in words, for the list of one's own sessions."""

from functools import lru_cache
from typing import NamedTuple

MAX_PARSED = 200  # characters; real ones say it there, and hostile ones cost 14 ms at 500


class Device(NamedTuple):
    """What people call their browser and their system; None where it cannot be told."""

    browser: str | None
    system: str | None


@lru_cache(maxsize=4096)
def device(user_agent: str) -> Device:
    """The browser and system that this user agent claims. It is a claim, good for recognising only."""
    import ua_parser  # noqa: PLC0415  (0.3 s at first use, so not at start)

    found = ua_parser.parse(user_agent[:MAX_PARSED])
    return Device(
        browser=_named(found.user_agent.family, found.user_agent.major) if found.user_agent else None,
        system=_named(found.os.family, found.os.major) if found.os else None,
    )


def _named(family: str, major: str | None) -> str:
    return f"{family} {major}" if major else family
