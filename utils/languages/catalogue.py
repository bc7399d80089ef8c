"""The languages that are installed: a folder each in `locales/`, read at start.

`pages.json` has the texts of the templates (`page`) and of the scripts (`script`), by key. A gap `{name}`
is filled with a value. A text with the gap `{n}` may have variants, such as `key.one` beside `key`, by the
plural rules of the language (CLDR). Mails are letters in `mails/`, one for each kind; `mails.json` has the
words that they share.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError

from utils.languages.accepted import MAX_HEADER, accepted
from utils.languages.installed import ENGLISH, LOCALES, installed

CATEGORIES = ("zero", "one", "two", "few", "many")  # besides `other`, the key without a suffix


@dataclass(frozen=True, eq=False)
class Language:
    """A language: its tag (BCP 47), its texts, and its rules of CLDR."""

    tag: str
    page: Mapping[str, str]
    script: Mapping[str, str]
    mail: Mapping[str, str]
    letters: Path  # the folder of the mails
    locale: Locale = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the language in the language itself."""
        return (self.locale.get_display_name(self.locale) or self.tag).partition(" (")[0]

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, as in the attribute `dir` of HTML."""
        return self.locale.text_direction

    def plural_key(self, key: str, number: int) -> str:
        """Return the key of the variant for this number, or the key itself."""
        variant = f"{key}.{self.locale.plural_form(number)}"
        return variant if variant in self.page else key


@dataclass(frozen=True, eq=False)
class Languages:
    """All languages by tag. `default` is for browsers that ask for none of them."""

    by_tag: Mapping[str, Language]
    default: Language

    @property
    def english(self) -> Language:
        return self.by_tag[ENGLISH]

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.by_tag)

    def find(self, tag: str | None) -> Language | None:
        """Return the language with exactly this tag, if it is installed."""
        return self.by_tag.get(tag or "")

    def accepted(self, header: str | None) -> Language | None:
        """Return the language that an `Accept-Language` prefers, if it names one that is installed."""
        return self.find(accepted(header[:MAX_HEADER], self.tags)) if header else None


def load(folder: Path, default: str = ENGLISH) -> Languages:
    """Return the languages in a folder. Raises `LookupError`, `OSError` or `ValueError` for a faulty one."""
    found = _read(folder)
    return Languages(found, found[default])


def shipped(default: str = ENGLISH) -> Languages:
    """Return the languages of this installation."""
    return load(LOCALES, default)


@cache
def _read(folder: Path) -> Mapping[str, Language]:
    others = [tag for tag in installed(folder) if tag != ENGLISH]
    found = {tag: _language(folder / tag, tag) for tag in (ENGLISH, *others)}
    wanted = {path.name for path in found[ENGLISH].letters.iterdir()}
    for language in found.values():  # a mail that cannot be written would be lost a day later
        for name in sorted(wanted - {path.name for path in language.letters.iterdir()}):
            raise LookupError(f"The language {language.tag} has no mails/{name}")
    return found


def _language(folder: Path, tag: str) -> Language:
    pages = json.loads((folder / "pages.json").read_text("utf-8"))
    try:
        locale = Locale.parse(tag, sep="-")
    except UnknownLocaleError:
        raise LookupError(f"CLDR does not know the language {tag}") from None
    mail = json.loads((folder / "mails.json").read_text("utf-8"))
    return Language(tag, pages["page"], pages["script"], mail, folder / "mails", locale)
