"""Names of browser and operating system, from the user agent."""

from functools import lru_cache
from typing import NamedTuple

MAX_PARSED = 200  # characters; enough for real ones, and hostile ones take 14 ms at 500


class Device(NamedTuple):
    """Browser and operating system with major versions; None if unknown."""

    browser: str | None
    system: str | None


@lru_cache(maxsize=4096)
def device(user_agent: str) -> Device:
    """Return browser and system of a user agent. They are claims of the client: for display only."""
    import ua_parser  # noqa: PLC0415  (0.3 s at first use)

    found = ua_parser.parse(user_agent[:MAX_PARSED])
    return Device(
        browser=_named(found.user_agent.family, found.user_agent.major) if found.user_agent else None,
        system=_named(found.os.family, found.os.major) if found.os else None,
    )


def _named(family: str, major: str | None) -> str:
    return f"{family} {major}" if major else family
