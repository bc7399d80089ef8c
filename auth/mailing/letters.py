"""The letters of mails: one text, from which the plain part and the HTML part are both made.

A letter in `locales/en/mails/` begins with the lines `Subject:` and `Title:`, and, where another reason is
given at its end than in most mails, `Because:`. Paragraphs follow. `[label] URL` on a line of its own is a
link: the first becomes the button. Lines `| label | value` are facts. Values are filled in before the text is
read, each as a piece of one line that never begins it, so that no value can add a link or a fact.
"""

import re
import textwrap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from utils.languages.catalogue import Language

WIDTH = 78  # characters of a line of plain text (RFC 5322, 2.1.1); longer are only links
_HEADER = re.compile(r"(Subject|Title|Because): (.+)")
_LINK = re.compile(r"\[([^\]]+)\] (https?://\S+)")
_ROW = re.compile(r"\| ([^|]+) \| (.*)")
_SENTENCE = re.compile(r".+?[.!?:](?=\s|$)")


class Block(NamedTuple):
    """A paragraph; or a link, whose text is its label; or rows of facts, each a label and a value."""

    text: str
    url: str | None = None
    rows: tuple[tuple[str, str], ...] = ()

    @property
    def lines(self) -> list[str]:
        """The lines of the plain part. A link is never broken."""
        if self.url:
            return [f"{self.text}: {self.url}"]
        rows = [f"{label}: {value}" for label, value in self.rows]
        return [_wrapped(line) for line in rows or [self.text]]


class Letter(NamedTuple):
    """What a mail says. `because` says why it was sent, `sender` who sent it and from where."""

    brand: str
    subject: str
    title: str
    blocks: tuple[Block, ...]
    because: str
    sender: str

    @property
    def button(self) -> Block | None:
        """The first link."""
        return next((block for block in self.blocks if block.url), None)

    @property
    def body(self) -> tuple[Block, ...]:
        """What stands above the button; everything if there is none."""
        return self.blocks[: self.blocks.index(self.button)] if self.button else self.blocks

    @property
    def fine(self) -> tuple[Block, ...]:
        """What stands below the button, in small print."""
        return self.blocks[self.blocks.index(self.button) + 1 :] if self.button else ()

    @property
    def preheader(self) -> str:
        """The first sentence after the greeting, which lists of mails show."""
        first = self.blocks[1].text if len(self.blocks) > 1 else self.title
        return match[0] if (match := _SENTENCE.match(first)) else first

    def text(self) -> str:
        """Return the plain part."""
        end = [_wrapped(self.because), _wrapped(self.sender)]
        paragraphs = [[_wrapped(self.title)], *(block.lines for block in self.blocks), end]
        return "\n\n".join("\n".join(lines) for lines in paragraphs) + "\n"

    def html(self, language: Language) -> str:
        """Return the HTML part, with everything escaped."""
        layout = _environment(Path(__file__).parent / "templates").get_template("layout.html")
        return layout.render(letter=self, language=language) + "\n"


def written(language: Language, template: str, values: Mapping[str, Any], *, brand: str, host: str) -> Letter:
    """Return the letter of this kind in this language. `values` fill its gaps, without their line breaks.

    Raises `jinja2.TemplateError` if a value is missing, and `KeyError` if the letter has no subject or title.
    """
    filled = {name: _one_line(value) for name, value in values.items()}
    text = _environment(language.letters).get_template(f"{template}.txt").render(filled, brand=brand)
    head, _, rest = text.partition("\n\n")
    headers = {match[1]: match[2] for line in head.splitlines() if (match := _HEADER.fullmatch(line))}
    return Letter(
        brand,
        headers["Subject"],
        headers["Title"],
        tuple(_block(paragraph) for paragraph in re.split(r"\n\s*\n", rest) if paragraph.strip()),
        headers.get("Because") or language.mail["because"].format(brand=brand),
        f"{brand}, {host}",
    )


def _one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def _block(paragraph: str) -> Block:
    paragraph = paragraph.strip()
    if link := _LINK.fullmatch(paragraph):
        return Block(link[1], link[2])
    rows = [_ROW.fullmatch(line) for line in paragraph.splitlines()]
    if all(rows):
        return Block("", rows=tuple((row[1], row[2]) for row in rows if row))
    return Block(paragraph)


def _wrapped(line: str) -> str:
    return "\n".join(textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False))


@cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
