"""The language that a call asks for."""

from flask import request

from utils.languages.catalogue import Language
from utils.services import services

LANGUAGE_COOKIE = "__Host-lang"  # the choice at the foot of the screens


def asked_language() -> Language | None:
    """Return the language that a call asks for: that of the cookie of the screens, else of `Accept-Language`.

    None if it names none that is installed.
    """
    languages = services().languages
    chosen = languages.find(request.cookies.get(LANGUAGE_COOKIE))
    return chosen or languages.accepted(request.headers.get("Accept-Language"))
