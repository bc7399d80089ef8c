"""Common passwords and passwords made of context words are refused wherever a password is set."""

import subprocess
import sys
import time
import unicodedata
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support.memory_apps import memory_app
from tests.support.requests import confirmed, everything, forget, post, said
from tests.support.server import ROOT
from tests.support.service import PASSWORD, CountingHasher, at_once, login, register, signed_in
from utils.passwords import blocklist
from utils.passwords.blocklist import common_passwords, contains_context_words, is_common

ON = {"PASSWORD_BLOCKLIST": "true"}
COMMON = (400, "password_too_common")
OWN = (400, "password_contains_context")
NEW = "a new and long one"


@pytest.fixture
def app(make_app: AppFactory) -> Flask:
    return make_app(ON)


def refusal(answer: TestResponse, field: str = "password") -> tuple[int, str]:
    """Return the status and code of a response; assert that it names exactly this field."""
    assert list(answer.get_json().get("fields", {})) == [field], answer.get_data(as_text=True)
    return said(answer)


def chosen(app: Flask, password: str, **more: Any) -> tuple[int, str]:
    return said(register(app.test_client(), password=password, **more))


def test_blocklist_has_thirty_thousand_passwords() -> None:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    passwords = common_passwords().strip("\n").split("\n")
    assert len(passwords) >= 30_000
    assert sum(len(password) >= 8 for password in passwords) > 11_000
    assert passwords == [unicodedata.normalize("NFC", word).lower() for word in FREQUENCY_LISTS["passwords"]]
    assert all(map(is_common, passwords))


@pytest.mark.parametrize("password", ["", "\n", "sunshine\nprincess", "nshine", "sunshi", "\nsunshine\n"])
def test_part_of_a_listed_password_is_not_common(password: str) -> None:
    assert not is_common(password)


def test_blocklist_lookup_does_not_import_zxcvbn() -> None:
    code = (
        "import sys; from utils.passwords.blocklist import is_common;"
        "assert is_common('Sunshine'); print([name for name in sys.modules if 'zxcvbn' in name])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_blocklist_is_built_once_by_concurrent_lookups() -> None:
    common_passwords.cache_clear()
    assert at_once([lambda: is_common("Sunshine")] * 8) == [True] * 8
    assert common_passwords() is common_passwords()


@pytest.mark.parametrize(
    "password", ["password", "PASSWORD", "PassWord", "sunshine", "1q2w3e4r5t", "12345678"]
)
def test_a_common_password_is_refused_in_any_case(app: Flask, password: str) -> None:
    answer = register(app.test_client(), password=password)
    assert refusal(answer) == COMMON
    assert answer.get_json()["message"].startswith("This password is on a list of passwords")
    assert password not in answer.get_data(as_text=True).replace("password", "")


def test_common_password_lookup_is_independent_of_unicode_composition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    composed = "contrase\u00f1a"
    monkeypatch.setattr(blocklist, "common_passwords", lambda: f"\n{composed}\n")
    assert unicodedata.normalize("NFD", composed) != composed
    assert is_common(composed)
    assert is_common(unicodedata.normalize("NFD", composed))


@pytest.mark.parametrize("password", [PASSWORD, NEW, "password of the day", "sunshine in Bergen"])
def test_longer_password_containing_a_common_one_is_accepted(app: Flask, password: str) -> None:
    assert chosen(app, password) == (201, "")


CONTEXT_WORD_PASSWORDS = [
    "ada@example.com",
    "my address is ADA@Example.com today",
    "Ada!1815",
    "ada20242024!",
    "ada-ada-ada-1",
    "AxiomTech99",
    "axiom.tech-2024-2024",
    "ada+axiomtech",
    "axiomtech-4xq",
    "4xq axiomtech",
    "Example.Com/ada",
]
FINE = [
    "axiomtech-violet-teapot",
    "k3ada9Qx",
    "adamant-teapot",
    "20242024!!",
    "!!!!!!!!",
    "----- ada lives -----",
]


@pytest.mark.parametrize("password", [*CONTEXT_WORD_PASSWORDS[:10], "adaexample.com"])
def test_password_made_of_context_words_is_refused(app: Flask, password: str) -> None:
    answer = register(app.test_client(), password=password)
    assert refusal(answer) == OWN
    # The request id is hexadecimal, and may contain "ada" by chance.
    told = {name: value for name, value in answer.get_json().items() if name != "request_id"}
    assert not any(word in str(told).lower() for word in ("ada", "example.com", "axiom", password.lower()))


@pytest.mark.parametrize("password", FINE)
def test_password_with_additional_words_is_accepted(app: Flask, password: str) -> None:
    assert chosen(app, password) == (201, "")


def test_short_context_word_matches_whole_words_only(make_app: AppFactory) -> None:
    app = make_app(ON | {"BRAND_NAME": "Auth", "PASSWORD_CONTEXT_WORDS": "tea, Blue Fin"})
    assert chosen(app, "authentic-violet-teapot") == (201, "")
    for password in (
        "auth-auth-1",
        "tea tea tea tea",
        "bluefin2024",
        "Blue-Fin-2024-7",
        "authtea!",
        "bluefin-xyz",
    ):
        assert chosen(app, password, name="bob") == OWN, password
    assert chosen(app, "blue teapot fin", name="bob") == (201, "")


@pytest.mark.parametrize(
    ("username", "email", "password"),
    [
        ("ada.lovelace", "x@example.com", "AdaLovelace1815"),
        ("countess", "ada.lovelace@example.com", "Lovelace1815"),
        ("countess", "ada.lovelace+auth@example.com", "lovelace-ada-12"),
        ("19841984", "x@example.com", "1984-1984"),
        ("user42", "x@example.com", "user42user42"),
        ("\u00e4\u00f6\u00fc\u00df", "x@example.com", "A\u0308\u00d6\u00dc\u00df-1234"),
        (None, "countess@example.com", "countess1815"),
    ],
)
def test_username_and_address_parts_are_context_words(
    app: Flask, username: str | None, email: str, password: str
) -> None:
    named: dict[str, Any] = (
        {"username": username} if username else {"username_from_email": True, "username": None}
    )
    assert chosen(app, password, email=email, **named) == OWN


def test_minimum_length_applies_without_the_context_words(make_app: AppFactory) -> None:
    app = make_app(ON | {"PASSWORD_MIN_LENGTH": "12"})
    assert chosen(app, "axiomtech-4xq7zk2mb9a") == OWN
    assert chosen(app, "axiomtech-4xq7zk2mb9a8") == (201, "")


def test_password_errors_have_a_fixed_precedence(app: Flask) -> None:
    client = app.test_client()

    def code(**body: Any) -> tuple[int, str]:
        return said(client.post("/auth/register", json=body))

    ada = {"username": "ada", "email": "ada@example.com"}
    assert code() == (400, "no_input")
    assert code(username="ada", password="sunshine") == (400, "missing_fields")
    assert code(**ada, password="1234567") == (400, "password_too_short")
    assert code(username="ada", email="nowhere", password="sunshine") == COMMON
    assert code(username="ada", email="nowhere", password="ada-1815") == (400, "validation_failed")
    assert code(**ada, password="ada-1815") == OWN
    everything_wrong = client.post(
        "/auth/register", json={"username": "a@b", "email": "nowhere", "password": "sunshine"}
    )
    assert set(everything_wrong.get_json()["fields"]) == {"username", "email", "password"}
    assert code(**ada, password=PASSWORD) == (201, "")
    assert code(**ada, password="ada-1815") == OWN  # before it is told that the name is taken


def test_reset_refuses_blocked_passwords_and_keeps_the_link(app: Flask) -> None:
    confirmed(app)
    token, client = forget(app), app.test_client()
    before = everything(app, "rate_limits")
    for password, told in (("sunshine", COMMON), ("Ada!1815", OWN), ("AxiomTech99", OWN)):
        assert refusal(post(client, "password/reset", token=token, password=password)) == told
    assert everything(app, "rate_limits") == before
    assert login(client).status_code == 200
    assert said(post(client, "password/reset", token=token, password=NEW)) == (200, "")
    assert login(client, password=NEW).status_code == 200


def test_password_change_refuses_blocked_passwords(app: Flask) -> None:
    client = app.test_client()
    access = signed_in(client)["access_token"]
    for password, told in (("sunshine", COMMON), ("Ada!1815", OWN), ("ada@example.com", OWN)):
        body = {"current_password": PASSWORD, "new_password": password}
        assert refusal(post(client, "password/change", access, **body), "new_password") == told
    assert said(post(client, "password/change", access, current_password=PASSWORD, new_password=NEW)) == (
        200,
        "",
    )


def test_password_change_uses_the_current_username_as_context(app: Flask) -> None:
    client = app.test_client()
    access = signed_in(client)["access_token"]
    renamed = client.patch(
        "/auth/me", json={"username": "countess"}, headers={"Authorization": f"Bearer {access}"}
    )
    assert renamed.status_code == 200
    body = {"current_password": PASSWORD, "new_password": "countess-1815"}
    assert said(post(client, "password/change", access, **body)) == OWN


def test_refused_password_is_neither_stored_nor_logged(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture
) -> None:
    plain = make_app(ON)
    access, token = signed_in(plain.test_client())["access_token"], forget(plain)
    counting = CountingHasher(plain.extensions["auth_services"].hasher)
    app = make_app(ON, hasher=counting)
    client, before = app.test_client(), everything(app)
    caplog.clear()
    for password in ("sunshine", "ada-canary", "ada@example.com canary", "Ada!1815"):
        register(client, "bob", password=password, email="ada@example.com")
        post(client, "password/reset", token=token, password=password)
        post(client, "password/change", access, current_password=PASSWORD, new_password=password)
    changed = everything(app)
    assert "Ada!1815" not in str(changed)
    assert "sunshine" not in str([record.__dict__ for record in caplog.records])
    assert "Ada!1815" not in str([record.__dict__ for record in caplog.records])
    assert changed.keys() == before.keys()


def test_create_user_refuses_blocked_passwords(app: Flask) -> None:
    ada = ("--username", "ada", "--email", "ada@example.com", "--password-stdin")
    for password, told in (
        ("sunshine", "attackers try first"),
        ("Ada!1815", "must not contain your user name"),
    ):
        ran = app.test_cli_runner().invoke(args=["auth", "create-user", *ada], input=f"{password}\n")
        assert ran.exit_code == 1
        assert told in ran.output
        assert password not in ran.output
    assert everything(app)["users"] == []


def test_blocklist_refusal_does_not_reveal_a_hidden_account(make_app: AppFactory) -> None:
    app = make_app(ON | {"HIDE_ACCOUNT_EXISTENCE": "true"})
    confirmed(app, "countess", email="ada@example.com")
    for password in ("sunshine", "ada-1815", "countess-1815", PASSWORD):
        # The same for a taken and an unused address, regardless of the account's username.
        taken = chosen(app, password, name="bob", email="ada@example.com")
        fresh = chosen(app, password, name="eve", email="ada@example.org")
        assert taken == fresh


def test_existing_common_password_still_logs_in(make_app: AppFactory) -> None:
    register(make_app({"PASSWORD_BLOCKLIST": "false"}).test_client(), password="sunshine")
    assert login(make_app(ON).test_client(), password="sunshine").status_code == 200


def test_blocklist_is_on_in_production_and_can_be_disabled() -> None:
    from tests.support.production import load

    assert load().password_blocklist
    assert not load(PASSWORD_BLOCKLIST="false").password_blocklist
    with memory_app() as app:
        assert chosen(app, "sunshine") == (201, "")
        assert chosen(app, "bob@example.com", name="bob") == (201, "")


def test_context_word_check_is_fast_for_hostile_input() -> None:
    began = time.process_time()
    words = ["a" * length for length in range(1, 80)]
    assert contains_context_words("a" * 255 + "b", words, "a" * 60 + "@a.example", 8)
    assert not contains_context_words("ab" * 128, ["a" * 3, "aab"], "", 8)
    assert time.process_time() - began < 5
