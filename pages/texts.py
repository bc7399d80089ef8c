"""The catalogue: every word of the pages, in one file. There is no other language yet.

`page` holds what the templates say, `script` what the modules say; both by key. `{name}` in a
text is filled in where it is used, by markup that is ready or by a value that is then escaped.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

HERE = Path(__file__).parent


@cache
def catalogue(language: str = "en") -> dict[str, dict[str, str]]:
    """All texts of a language, by the two places that use them."""
    texts: dict[str, dict[str, str]] = json.loads((HERE / f"texts.{language}.json").read_text("utf-8"))
    return texts


def text(key: str, **values: Any) -> Markup:
    """The text of this key, escaped, with its gaps filled. Raises `KeyError` for a key there is not."""
    return escape(catalogue()["page"][key]).format(**values)


def script_texts() -> str:
    """The texts of the modules, as a module."""
    return f"export default {json.dumps(catalogue()['script'], ensure_ascii=False)};\n"
