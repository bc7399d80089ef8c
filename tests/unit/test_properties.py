"""Property-based tests (Hypothesis): invariants for all inputs."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from precis_i18n import get_profile

from auth.tokens import read_refresh
from tests.support.memory_apps import memory_app
from tests.support.service import bearer, me, refresh, signed_in
from utils.client_info import ClientInfo, canonical_address, printable
from utils.errors import InvalidJson
from utils.identifiers import (
    MAX_EMAIL,
    MAX_USERNAME,
    display_username,
    email_key,
    normalized_email,
    username_from,
    username_key,
)
from utils.web.validation import strict_json

settings.register_profile(
    "ours",
    derandomize=True,  # the same inputs every time: failures are reproducible
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ours")

BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Characters of usernames, with unusual spellings, so that not every example is refused.
NAMES = st.text(st.characters(categories=["L", "M", "N"]) | st.sampled_from("._-"), min_size=1, max_size=20)
ADDRESSES = st.emails() | st.builds("{}@{}.example".format, NAMES, NAMES)
HEADERS = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"))


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    with memory_app() as app:
        yield app


@pytest.fixture(scope="module")
def pair(app: Flask) -> dict[str, Any]:
    return signed_in(app.test_client())


@given(place=st.integers(min_value=0), character=st.sampled_from(BASE64URL + ".=~ \t\0\xe9"))
def test_any_changed_character_of_an_access_token_is_refused(
    app: Flask, pair: dict[str, Any], place: int, character: str
) -> None:
    token = pair["access_token"]
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    if changed != token and changed.strip(" \t") != token:
        assert me(app.test_client(), changed).status_code == 401


@given(place=st.integers(min_value=0), character=st.characters(exclude_categories=["Cs"]))
def test_any_changed_character_of_a_refresh_token_is_refused(
    app: Flask, pair: dict[str, Any], place: int, character: str
) -> None:
    token = pair["refresh_token"]
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        assert refresh(app.test_client(), changed).get_json()["code"] == "refresh_token_invalid"


@given(HEADERS | HEADERS.map("Bearer {}".format))
@example("Bearer \xff\xfe")
@example("\t")
@example("Basic YTpi")
@example("Bearer " + "." * 1000)
def test_any_authorization_header_is_a_401(app: Flask, text: str) -> None:
    answer = app.test_client().get("/auth/me", headers={"Authorization": text})
    assert answer.status_code == 401
    assert answer.get_json()["code"] in {"token_missing", "token_malformed", "token_invalid"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_strict_json_reads_what_json_writes(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert strict_json(text.encode()) == value


@given(
    st.binary() | st.text().map(lambda text: text.encode()) | st.text('{}[]",:\\u0dE8 x1-.').map(str.encode)
)
@example(b"[" * 100_000)
@example(b'"' + b"\\" * 99_999)
@example(b'["' + b'\\"[' * 30_000)
@example(b'{"a":1,"a":1}')
@example(b'"\\ud800"')
@example(b'"\\ud83d\\ude00"')
@example(b"\xef\xbb\xbf{}")
@example(b"9" * 5_000)
@example(b"NaN")
@example(b"-Infinity")
@example(b"1e999")
def test_strict_json_refuses_with_one_error_or_agrees_with_json(raw: bytes) -> None:
    try:
        value = strict_json(raw)
    except InvalidJson:
        return
    assert repr(value) == repr(json.loads(raw.decode("utf-8")))


@given(NAMES | st.text())
@example("\u017f")
@example("K")
@example("ŉ")
@example("ΐ")
@example("İ")
@example("ᾼ")
def test_username_key_is_idempotent(name: str) -> None:
    key = username_key(name)
    if key is not None:
        assert username_key(key) == key


@given(st.text(st.characters(max_codepoint=127), min_size=1, max_size=20))
def test_plain_names_are_what_precis_makes_of_them(name: str) -> None:
    """Names of ASCII letters and digits take a short way."""
    try:
        shown, key = (
            str(get_profile(f"UsernameCase{kind}").enforce(name)) for kind in ("Preserved", "Mapped")
        )
    except UnicodeError:
        shown, key = "", None
    assert username_key(name) == key
    with suppress(ValueError):
        assert display_username(name) == shown


@given(NAMES | st.text())
@example("\uff21da")
@example("İ")
@example("é")
def test_shown_username_is_idempotent_and_has_the_same_key(name: str) -> None:
    try:
        shown = display_username(name)
    except ValueError:
        return
    assert display_username(shown) == shown
    assert username_key(shown) == username_key(name)
    assert username_key(shown) is not None
    assert 1 <= len(shown) <= MAX_USERNAME
    assert "@" not in shown


@given(ADDRESSES | st.text())
@example("m\u0131ke@example.org")
@example("A@EXAMPLE.ORG")
@example("a@bücher.example")
@example("\u212aate@example.org")
@example("İ@example.org")
@example("ǅ@example.org")
def test_email_key_is_idempotent(address: str) -> None:
    key = email_key(address)
    if key is None:
        return
    assert len(key) <= 512
    assert email_key(normalized_email(address)) == key
    if len(key) <= MAX_EMAIL:
        assert email_key(key) == key


@given(ADDRESSES | st.text())
def test_derived_username_is_valid(address: str) -> None:
    made = username_from(address)
    assert display_username(made) == made


@given(st.text() | st.text(BASE64URL, min_size=76, max_size=76))
@example("=" * 76)
@example("A" * 76 + "\n")
def test_parsing_a_refresh_token_never_raises(text: str) -> None:
    token = read_refresh(text)
    assert token is None or (len(text) == 76 and text.isascii())


@given(st.text() | st.ip_addresses().map(str) | st.ip_addresses(v=6).map("{}%eth0".format))
@example("::ffff:1.2.3.4")
def test_canonical_address_is_idempotent(text: str) -> None:
    address = canonical_address(text)
    assert canonical_address(address) == address
    assert address is None or len(address) <= 45
    assert ClientInfo(address, "", "").network


@given(st.text())
def test_logged_header_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) <= 512


def test_parsed_refresh_token_has_the_issued_values(app: Flask, pair: dict[str, Any]) -> None:
    token = read_refresh(pair["refresh_token"])
    assert token is not None
    assert token.generation == 0
    listed = app.test_client().get("/auth/sessions", headers=bearer(pair["access_token"])).get_json()
    assert listed["sessions"][0]["id"] == str(token.session_id)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:443", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:", None),
        ("203.0.113.7:123456", None),
        ("203.0.113.7:443\n", None),
        ("203.0.113.7, 203.0.113.8", None),
        ("[2001:db8::1", None),
        ("unix:", None),
        ("", None),
        (None, None),
    ],
)
def test_canonical_address_strips_the_port(text: str | None, address: str | None) -> None:
    assert canonical_address(text) == address
