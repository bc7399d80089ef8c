"""Texts of the API for people: English in the code, by which catalogues name their translations."""

import re
from collections.abc import Mapping
from typing import Self

_GAP = re.compile(r"\{(\w+)\}")


class Text(str):
    """An English text, made of a template with gaps such as `{n}`, which can be said in another language.

    `template` is its key in `messages.json`. Values that are a `Text` themselves are translated with it,
    others are not. A test collects the templates of all calls, so each is written out in its call.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        text = super().__new__(cls, filled(template, values) if values else template)
        text.template, text.values = template, values
        return text


def filled(template: str, values: Mapping[str, object]) -> str:
    """Return the template with its gaps filled. A gap without a value stays."""
    return _GAP.sub(lambda gap: str(values.get(gap[1], gap[0])), template)
