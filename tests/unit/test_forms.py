"""Form bodies: how they are decoded and read."""

import io
from urllib.parse import parse_qsl

import pytest
from flask import Flask

from utils.errors import BadRequest
from utils.web.forms import MAX_PARAMETERS, parsed, takes_form

TEXTS = [
    "",
    "a=1&b=2",
    "a",
    "a=",
    "=1",
    "a==1",
    "&&a=1&",
    "a=+x%2B",
    "a+b=1",
    "a%3Db=%26",
    "ä=%C3%A4",
    "%zz=%",
    "a=;",
]


@pytest.mark.parametrize("text", TEXTS)
def test_parameters_are_decoded_as_the_standard_library_does(text: str) -> None:
    pairs = [(name, value) for name, value in parse_qsl(text, keep_blank_values=True) if value]
    assert [*parsed(text).values.items()] == [*dict(pairs).items()]


def test_names_that_differ_in_their_encoding_only_are_repeated() -> None:
    found = parsed("a=1&%61=2&b=1&b=")
    assert dict(found.values) == {"a": "1", "b": "1"}
    assert sorted(found.repeated) == ["a", "b"]


@pytest.mark.parametrize("text", ["a=%ff", "%ff=1", "a=%00", "a=\0", "&" * MAX_PARAMETERS])
def test_text_that_is_no_form_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parsed(text)


class InPieces(io.BytesIO):
    """A body of which a server returns a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 3) if size != -1 else 3)


class Broken(io.BytesIO):
    """A body whose client is gone."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(size)


@pytest.mark.parametrize(
    ("body", "found"), [(InPieces(b"a=1&b=22222"), "22222"), (Broken(), None), (io.BytesIO(b"a=1"), None)]
)
def test_body_is_read_to_its_length_or_refused(body: io.BytesIO, found: str | None) -> None:
    kind = "application/x-www-form-urlencoded"
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "11", "CONTENT_TYPE": kind, "REQUEST_METHOD": "POST"}
    with Flask(__name__).test_request_context(environ_overrides=environ):
        if found is None:
            with pytest.raises(BadRequest):
                takes_form(dict)(lambda form: form.get("b"))()
        else:
            assert takes_form(dict)(lambda form: form.get("b"))() == found
