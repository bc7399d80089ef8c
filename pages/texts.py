"""The texts of the pages in the language of the request, from `locales/`.

A gap `{name}` is replaced by markup or by an escaped value. With the value `n`, a text has the variant that
the language uses for this number, if it has one.
"""

import json
from functools import cache
from typing import Any

from flask import g, request
from markupsafe import Markup, escape

from utils.languages.accepted import first_available
from utils.languages.catalogue import Language
from utils.services import services
from utils.web.languages import LANGUAGE_COOKIE

MAX_UI_LOCALES = 200  # characters
VARY = ("Accept-Language", "Cookie")  # what a page depends on


def language() -> Language:
    """Return the language of the page that this request asks for.

    The first that is installed: that of the cookie, of `ui_locales` (OpenID Connect Core, 3.1.2.1), of
    `Accept-Language`; else `DEFAULT_LANGUAGE`.
    """
    found: Language | None = g.get("page_language")
    if found is None:
        g.page_language = found = _chosen()
    return found


def _chosen() -> Language:
    languages = services().languages
    asked = request.args.get("ui_locales", "")[:MAX_UI_LOCALES].split()
    return (
        languages.find(request.cookies.get(LANGUAGE_COOKIE))
        or languages.find(first_available(asked, languages.tags))
        or languages.accepted(request.headers.get("Accept-Language"))
        or languages.default
    )


def text(key: str, **values: Any) -> Markup:
    """Return a text, escaped, with its gaps filled. Raises `KeyError` for unknown keys."""
    spoken = language()
    if isinstance(number := values.get("n"), int):
        key = spoken.plural_key(key, number)
    return escape(spoken.page[key]).format(**values)


@cache
def script_texts(spoken: Language) -> bytes:
    """Return the texts of the modules as a JavaScript module."""
    return f"export default {json.dumps(dict(spoken.script), ensure_ascii=False)};\n".encode()
