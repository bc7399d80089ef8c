"""Take a page in another language by steps that name its elements in English."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

_LOCALES = Path(__file__).parent.parent.parent / "locales"


@cache
def _translations(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Each English text, as a pattern with a group for each gap, and its translation."""
    english, other = (
        json.loads((_LOCALES / tag / "pages.json").read_text("utf-8")) for tag in ("en", language)
    )
    found = []
    for part in english:
        for key, text in english[part].items():
            if not text.startswith("{"):
                pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(text))
                found.append((re.compile(pattern), other[part][key]))
    return sorted(found, key=lambda pair: pair[0].groups)


def _translated(text: str, language: str) -> re.Pattern[str]:
    """Match any translation of this text: one English text can have several."""
    words = [
        translation.format(**match.groupdict())
        for pattern, translation in _translations(language)
        if (match := pattern.fullmatch(text))
    ]
    return re.compile("|".join(map(re.escape, words or [text])))


def translate(page: Page, language: str) -> None:
    """Find elements of this page by the translation of the English label or name that is asked for."""
    by_label, by_role = page.get_by_label, page.get_by_role

    def labelled(text: str, **more: Any) -> Locator:
        return by_label(_translated(text, language), **more)

    def named(role: Any, **more: Any) -> Locator:
        if isinstance(name := more.get("name"), str):
            more["name"] = _translated(name, language)
        return by_role(role, **more)

    page.get_by_label, page.get_by_role = labelled, named  # type: ignore[method-assign,assignment]
