"""The texts of the pages, in one JSON file for each language. English is the only one.

`page` has the texts of the templates, `script` those of the modules, both by key. A placeholder `{name}` is
replaced by markup or by an escaped value.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

HERE = Path(__file__).parent


@cache
def catalogue(language: str = "en") -> dict[str, dict[str, str]]:
    """Return all texts of a language: `page` and `script`."""
    texts: dict[str, dict[str, str]] = json.loads((HERE / f"texts.{language}.json").read_text("utf-8"))
    return texts


def text(key: str, **values: Any) -> Markup:
    """Return a text, escaped, with its placeholders replaced. Raises `KeyError` for unknown keys."""
    return escape(catalogue()["page"][key]).format(**values)


def script_texts() -> str:
    """Return the texts of the modules as a JavaScript module."""
    return f"export default {json.dumps(catalogue()['script'], ensure_ascii=False)};\n"
