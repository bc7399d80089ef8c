"""The languages that are installed: a folder each in `locales/`, read at start.

`pages.json` has the texts of the templates (`page`) and of the scripts (`script`), by key. A gap `{name}`
is filled with a value. A text with the gap `{n}` may have variants, such as `key.one` beside `key`, by the
plural rules of the language (CLDR).

`messages.json` has the messages of the API, in groups: their keys are the English texts of the code, so that
English has no such file. A message that a language lacks stays English.

Mails are letters in `mails/`, one for each kind; `mails.json` has the words that they share.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError

from utils.languages.accepted import MAX_HEADER, accepted
from utils.languages.installed import ENGLISH, LOCALES, installed
from utils.languages.text import Text, filled

CATEGORIES = ("zero", "one", "two", "few", "many")  # besides `other`, the key without a suffix


@dataclass(frozen=True, eq=False)
class Language:
    """A language: its tag (BCP 47), its texts, and its rules of CLDR."""

    tag: str
    page: Mapping[str, str]
    script: Mapping[str, str]
    messages: Mapping[str, str]
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
        return self._variant(self.page, key, number)

    def said(self, text: str) -> str:
        """Return an English text of the API in this language, or the text itself if it is not translated."""
        if not self.messages:
            return text
        if not isinstance(text, Text):
            return self.messages.get(text, text)
        key, values = text.template, text.values
        if isinstance(number := values.get("n"), int):
            key = self._variant(self.messages, key, number)
        if (found := self.messages.get(key)) is None:
            return text
        said = {name: self.said(each) if isinstance(each, Text) else each for name, each in values.items()}
        return filled(found, said)

    def _variant(self, texts: Mapping[str, str], key: str, number: int) -> str:
        variant = f"{key}.{self.locale.plural_form(number)}"
        return variant if variant in texts else key


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
    messages = {
        key: text for group in _messages(folder / "messages.json").values() for key, text in group.items()
    }
    mail = json.loads((folder / "mails.json").read_text("utf-8"))
    return Language(tag, pages["page"], pages["script"], messages, mail, folder / "mails", locale)


def _messages(file: Path) -> Any:
    """Return the groups of messages in a file, {} if there is no such file, as English has none."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}
