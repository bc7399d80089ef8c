"""Usernames and addresses: which are accepted, and which are equal."""

# ruff: noqa: RUF001  (lookalike characters are what is tested)

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.service import PASSWORD, login, register, rows


@pytest.mark.parametrize("other", ["ada", "ADA", "ａｄａ", "aDa"])
def test_usernames_differing_in_case_or_width_are_equal(client: FlaskClient, other: str) -> None:
    assert register(client, "Ada", email="ada@example.com").get_json()["user"]["username"] == "Ada"
    assert register(client, other, email="other@example.com").get_json()["code"] == "username_taken"
    assert login(client, other).get_json()["user"]["username"] == "Ada"


def test_usernames_differing_in_unicode_composition_are_equal(client: FlaskClient) -> None:
    register(client, "josé", email="a@example.com")
    assert register(client, "jose\u0301", email="b@example.com").get_json()["code"] == "username_taken"
    assert register(client, "JOSE\u0301", email="b@example.com").get_json()["code"] == "username_taken"


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "x" * 80,
        "ada.lovelace",
        "a_b-c.9",
        "élise",
        "Ωμέγα",
        "Ольга",
        "さくら",
        "田中カナ",
        "김철수",
        "עדה",
        "अदिति",
        "ꦗꦮ",
        "ߒߞߏ",
    ],
)
def test_username_in_any_script_is_accepted(client: FlaskClient, name: str) -> None:
    answer = register(client, name, email="x@example.com")
    assert answer.status_code == 201, answer.get_json()
    assert answer.get_json()["user"]["username"] == name
    assert login(client, name).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "ada@example.com",
        "@",
        "ada＠example",
        "x" * 81,
        "x" * 5000,
        "ﬁona",
        "ada lovelace",
        " ada",
        "ada ",
        "ada\n",
        "ada\N{SOFT HYPHEN}",
        "ada\N{NO-BREAK SPACE}",
        "ada\N{ZERO WIDTH SPACE}",
        "ada\N{ZERO WIDTH JOINER}",
        "ada\N{WORD JOINER}",
        "ada\N{RIGHT-TO-LEFT OVERRIDE}",
        "ada\0",
        "ada\x1b[2J",
        "a/b",
        "a\\b",
        "<ada>",
        "a'b",
        "ada%40",
        "😀",
        "ada\N{CYRILLIC SMALL LETTER A}",
        "\N{CYRILLIC SMALL LETTER A}dmin",
        "ὰda",
        "адаλ",
        "ada\N{VARIATION SELECTOR-16}",
        "\N{ZERO WIDTH NO-BREAK SPACE}ada",
        "Ⓐda",
        "ª",
    ],
)
def test_confusable_or_malformed_username_is_refused(app: Flask, client: FlaskClient, name: str) -> None:
    answer = register(client, name, email="x@example.com")
    assert answer.status_code == 400
    assert set(answer.get_json()["fields"]) == {"username"}
    assert rows(app, "SELECT id FROM users") == []


@pytest.mark.parametrize(
    "name", ["admin", "ADMIN", "ａdmin", "root", "Support", "_admin_", "postmaster", "no-reply"]
)
def test_reserved_word_is_refused_as_username(client: FlaskClient, name: str) -> None:
    answer = register(client, name, email="x@example.com")
    assert answer.get_json()["fields"] == {"username": "is a reserved word"}


def test_brand_name_is_reserved(make_app: AppFactory) -> None:
    client = make_app({"BRAND_NAME": "Analytical Engine"}).test_client()
    for name in ("analyticalengine", "AnalyticalEngine", "analyticalengine."):
        assert register(client, name, email="x@example.com").status_code == 400
    body = {"username_from_email": True, "email": "analyticalengine@example.com", "password": PASSWORD}
    name = client.post("/auth/register", json=body).get_json()["user"]["username"]
    assert re.fullmatch(r"analyticalengine\d{4}", name)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@example.com", "ADA@EXAMPLE.COM"),
        ("Ada@Example.com", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@bücher.example", "ada@BÜCHER.example"),
        ("mike@example.com", "mi\N{KELVIN SIGN}e@example.com"),
        ("élise@example.com", "e\u0301lise@example.com"),
        ("ada@example.com", "ada@ｅxample.com"),
    ],
)
def test_equivalent_spellings_of_an_address_are_one_account(
    client: FlaskClient, first: str, second: str
) -> None:
    assert register(client, "one", email=first).status_code == 201
    assert register(client, "two", email=second).get_json()["code"] == "email_taken"
    assert login(client, second).get_json()["user"]["username"] == "one"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("mike@example.com", "m\N{LATIN SMALL LETTER DOTLESS I}ke@example.com"),
        ("mike@example.com", "m\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}ke@example.com"),
        ("sam@example.com", "\N{LATIN SMALL LETTER LONG S}am@example.com"),
        ("ada@example.com", "ａda@example.com"),
        ("ada@example.com", "ada+1@example.com"),
        ("ada@example.com", "a.da@example.com"),
    ],
)
def test_lookalike_address_does_not_log_in_to_another_account(
    client: FlaskClient, first: str, second: str
) -> None:
    register(client, "one", email=first)
    assert login(client, second).status_code == 401
    answer = register(client, "two", email=second, password="another password")
    assert answer.status_code in {201, 400}
    assert login(client, first, "another password").status_code == 401
    assert login(client, first).get_json()["user"]["username"] == "one"


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@example.com",
        "ada@",
        "ada＠example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: b@example.com",
        "a\r\nb@example.com",
        " ada@example.com",
        "ada@example.com ",
        "ada@exam ple.com",
        "ada@example",
        "ada@[127.0.0.1]",
        '"a b"@example.com',
        "ada@example..com",
        "ada@@example.com",
        "Ada <ada@example.com>",
        "ada@example.com\0",
        "x" * 65 + "@example.com",
        "a@" + "b." * 10_000 + "com",
        "a@" + "x" * 300 + ".com",
        "ada@ex\N{SOFT HYPHEN}\n.com",
        "ⓐ＠ⓑ.com",
        ".ada@example.com",
        "=?utf-8?q?eve=40evil.example=3e=20?=ada@example.com",  # to a mail's header: eve@evil.example
    ],
)
def test_malformed_address_is_refused(client: FlaskClient, address: str) -> None:
    answer = register(client, email=address)
    assert answer.status_code == 400
    assert set(answer.get_json()["fields"]) == {"email"}


def from_address(client: FlaskClient, email: str) -> str:
    body = {"username_from_email": True, "email": email, "password": PASSWORD}
    answer = client.post("/auth/register", json=body)
    assert answer.status_code == 201, answer.get_json()
    name: str = answer.get_json()["user"]["username"]
    assert login(client, name).get_json()["user"]["email"] == email
    return name


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("ada@example.com", "ada"),
        ("Ada.Lovelace@example.com", "ada.lovelace"),
        ("ada+news@example.com", "ada"),
        ("_ada-1_@example.com", "ada-1"),
        ("élise@example.com", "elise"),
        ("o'brien!#@example.com", "obrien"),
        ("x" * 64 + "@example.com", "x" * 60),
    ],
)
def test_username_is_derived_from_the_address(client: FlaskClient, email: str, name: str) -> None:
    assert from_address(client, email) == name


@pytest.mark.parametrize(
    ("email", "word"),
    [
        ("admin@example.com", "admin"),
        ("support@example.com", "support"),
        ("+a@example.com", "user"),
        ("ольга@example.com", "user"),
        ("_root_@example.com", "root"),
        ("___@example.com", "user"),
    ],
)
def test_derived_username_is_never_a_reserved_word(client: FlaskClient, email: str, word: str) -> None:
    assert re.fullmatch(rf"{word}\d{{4}}", from_address(client, email))


def test_same_local_part_gets_distinct_derived_usernames(client: FlaskClient) -> None:
    names = [from_address(client, f"ada@{number}.example.com") for number in range(10)]
    assert names[0] == "ada"
    assert len(set(names)) == 10
    assert all(re.fullmatch(r"ada\d{4}", name) for name in names[1:])


def test_chosen_username_overrides_derived_username(client: FlaskClient) -> None:
    assert register(client, "grace", username_from_email=True).get_json()["user"]["username"] == "grace"


def test_no_username_is_derived_for_a_taken_address(client: FlaskClient) -> None:
    register(client)
    body = {"username_from_email": True, "email": "ADA@example.com", "password": PASSWORD}
    assert client.post("/auth/register", json=body).get_json()["code"] == "email_taken"
