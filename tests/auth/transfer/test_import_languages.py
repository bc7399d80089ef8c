"""Languages of the lines of an import."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.imports import account, reported
from tests.support.service import rows

LANGUAGES = [
    ({"locale": "de", "signup_locale": "en"}, ("de", "en"), []),
    ({"locale": "de_AT"}, ("de", None), []),
    ({"locale": "DE-ch-1996"}, ("de", None), []),
    ({"locale": None, "signup_locale": ""}, (None, None), []),
    ({"locale": "fr", "signup_locale": "de"}, (None, "de"), ["without_language"]),
    ({"signup_locale": "tlh"}, (None, None), ["without_language"]),
]


@pytest.mark.parametrize(("fields", "wanted", "notes"), LANGUAGES)
def test_language_of_a_line_is_stored_as_the_installed_one_that_comes_closest(
    app: Flask, tmp_path: Path, fields: dict[str, Any], wanted: tuple[str | None, ...], notes: list[str]
) -> None:
    (found,) = reported(app, tmp_path, account(**fields))
    assert found.get("notes", []) == notes
    (user,) = rows(app, "SELECT locale, signup_locale FROM users")
    assert (user["locale"], user["signup_locale"]) == wanted


@pytest.mark.parametrize("tag", ["../de", "de\n", "d" * 36, "de-", 5])
def test_language_that_is_no_tag_is_refused(app: Flask, tmp_path: Path, tag: Any) -> None:
    (found,) = reported(app, tmp_path, account(locale=tag))
    assert (found["fault"], [*found["fields"]]) == ("validation_failed", ["locale"])
    assert rows(app, "SELECT id FROM users") == []
