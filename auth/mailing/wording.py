"""The facts of a mail in the words of its language, at delivery.

The outbox holds facts as data: times in ISO 8601, names, ids. A fact in words, of a process of an earlier
release, stays as it is.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from babel.dates import format_date, format_skeleton
from babel.units import format_unit

from utils.languages.catalogue import Language

MAX_HOURS = 72  # beyond which a mail speaks of days
ON = " on "  # between the browser and the system, in the outbox
COMMAND_LINE = "command line"  # in place of a device and an IP address


def worded(language: Language, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts as the language writes them."""
    said = dict(facts)
    said |= {name: say(language, facts[name]) for name, say in _WORDED.items() if name in facts}
    return said


def lifetime(language: Language, length: timedelta) -> str:
    """Return for how long a link works: minutes up to an hour, then hours, then days."""
    minutes = length // timedelta(minutes=1)
    hours = minutes // 60
    number, unit = (minutes, "minute") if hours <= 1 else (hours, "hour")
    if hours > MAX_HOURS:
        number, unit = hours // 24, "day"
    return format_unit(number, f"duration-{unit}", "long", locale=language.locale)


def _moment(language: Language, fact: str) -> str:
    try:
        at = datetime.fromisoformat(fact).astimezone(UTC)
    except ValueError:
        return fact
    date = format_date(at, "long", locale=language.locale)
    time = format_skeleton("Hm", at, locale=language.locale)
    return language.mail["moment"].format(date=date, time=time)


def _device(language: Language, fact: str) -> str:
    if fact == COMMAND_LINE:
        return language.mail["command_line"]
    browser, on, system = fact.partition(ON)
    if on:
        return language.mail["device"].format(browser=browser, system=system)
    return fact or language.mail["unknown_device"]


def _address(language: Language, fact: str) -> str:
    if fact == COMMAND_LINE:
        return language.mail["at_service"]
    return fact or language.mail["unknown_address"]


def _actor(language: Language, fact: str) -> str:
    if not fact:
        return language.mail["role_by_operator"]
    return language.mail["role_by_account"].format(id=fact) if fact.isdecimal() else fact


_WORDED: Mapping[str, Callable[[Language, str], str]] = {
    "at": _moment,
    "due": _moment,
    "erase_at": _moment,
    "expires_at": _moment,
    "device": _device,
    "ip_address": _address,
    "by": _actor,
}
