"""A plugin of the tests: every error that a described route answers is in its description, and translated."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, request, request_finished

from ops.openapi_errors import errors_of
from utils.languages.catalogue import shipped
from utils.request_record import request_record
from utils.web.http import Documentation, documentation

ANY_ROUTE = {"bad_request", "internal_error"}  # a lost connection; a fault that a test provokes
undeclared: set[tuple[str, str]] = set()
untranslated: set[str] = set()
_codes: dict[str, tuple[Documentation, frozenset[str]]] = {}


def _note(app: Flask, response: Response, **_: Any) -> None:
    error, name = request_record().error, request.endpoint
    if error is None or name is None:
        return
    docs = documentation(app.view_functions[name])
    if docs.output is None and docs.status == 200:  # a page, or a view of a test
        return
    if name not in _codes or _codes[name][0] is not docs:
        _codes[name] = docs, frozenset(each.code for each in errors_of(docs))
    if error.code not in _codes[name][1] | ANY_ROUTE:
        undeclared.add((name, error.code))
    if request.path.startswith("/auth/") and not error.for_developers:
        texts = {getattr(text, "template", text) for text in (error.message, *error.fields.values())}
        untranslated.update(texts - shipped().by_tag["de"].messages.keys())


request_finished.connect(_note)


@pytest.fixture(autouse=True)
def errors_are_declared() -> Iterator[None]:
    """Fail a test in which a route answered an error that the API description does not have for it.

    Or one with a text that no language could translate, as `messages.json` has no such key.
    """
    undeclared.clear()
    untranslated.clear()
    yield
    assert not undeclared, f"the routes do not declare these errors: {undeclared}"
    assert not untranslated, f"messages that locales/de/messages.json does not have: {untranslated}"
