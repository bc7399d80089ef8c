"""The language of mails: the choice of the recipient, else that of their sign-up, never that of a call."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.memory_apps import memory_app
from tests.support.requests import confirm_addresses, post
from tests.support.roles import grant
from tests.support.service import PASSWORD, bearer, execute, login, me, register, rows

GERMAN, ENGLISH = {"Accept-Language": "de-AT, en;q=0.5"}, {"Accept-Language": "en"}
SUBJECTS = {
    "verify_email": ("Confirm your email address", "Bestätigen Sie Ihre E-Mail-Adresse"),
    "reset_password": ("Set a new password for AxiomTech", "Neues Passwort für AxiomTech festlegen"),
    "address_taken": ("You already have an account at AxiomTech", "Sie haben schon ein Konto bei AxiomTech"),
    "role_granted_to_other": (
        "An account at AxiomTech has a new role",
        "Ein Konto bei AxiomTech hat eine neue Rolle",
    ),
}


def sign_up(client: FlaskClient, name: str = "ada", **headers: str) -> None:
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert client.post("/auth/register", json=body, headers=headers).status_code in {201, 202}


def language_of(app: Flask, template: str, to: str = "ada@example.com") -> str:
    """Return the language of the newest mail of this kind."""
    return ("en", "de")[SUBJECTS[template].index(str(mailbox.newest(app, template, to)["Subject"]))]


def forget(client: FlaskClient, **headers: str) -> None:
    answer = client.post("/auth/password/forgot", json={"email": "ada@example.com"}, headers=headers)
    assert answer.status_code == 202


def choose(client: FlaskClient, locale: str | None, name: str = "ada") -> None:
    access = login(client, name).get_json()["access_token"]
    answer = client.patch("/auth/me", json={"locale": locale}, headers=bearer(access))
    assert answer.get_json()["user"]["locale"] == locale
    assert me(client, access).get_json()["user"]["locale"] == locale


@pytest.mark.both_databases
def test_mail_is_in_the_language_of_the_sign_up_until_the_account_chooses_one(
    app: Flask, client: FlaskClient
) -> None:
    sign_up(client, **GERMAN)
    assert language_of(app, "verify_email") == "de"
    confirm_addresses(app)
    forget(client)
    assert language_of(app, "reset_password") == "de"
    choose(client, "en")
    forget(client)
    assert language_of(app, "reset_password") == "en"
    choose(client, None)
    forget(client)
    assert language_of(app, "reset_password") == "de"
    mails = rows(app, "SELECT template, language FROM outbox ORDER BY id")
    assert [row["language"] for row in mails if row["template"] == "reset_password"] == ["de", "en", "de"]


def test_stranger_who_requests_a_reset_does_not_choose_its_language(app: Flask, client: FlaskClient) -> None:
    sign_up(client, **GERMAN)
    confirm_addresses(app)
    client.set_cookie("__Host-lang", "en", secure=True)
    forget(client, **ENGLISH)
    assert language_of(app, "reset_password") == "de"


def test_sign_up_over_a_taken_address_mails_the_owner_in_their_language(make_app: AppFactory) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    sign_up(client, **GERMAN)
    confirm_addresses(app)
    body = {"username": "eve", "email": "ada@example.com", "password": PASSWORD}
    assert client.post("/auth/register", json=body, headers=ENGLISH).status_code == 202
    assert language_of(app, "address_taken") == "de"


@pytest.mark.both_databases
def test_change_to_a_taken_address_mails_its_owner_in_their_language(app: Flask, client: FlaskClient) -> None:
    sign_up(client, **GERMAN)
    sign_up(client, "eve", **ENGLISH)
    confirm_addresses(app)
    access = login(client, "eve").get_json()["access_token"]
    assert post(client, "email/change", access, email="ada@example.com").status_code == 202
    assert language_of(app, "address_taken") == "de"


def test_mails_about_another_account_are_in_the_language_of_each_administrator(
    app: Flask, client: FlaskClient
) -> None:
    for name, headers in (("ada", GERMAN), ("bob", ENGLISH), ("eve", ENGLISH)):
        sign_up(client, name, **headers)
    confirm_addresses(app)
    grant(app, "ada", "admin")
    grant(app, "bob", "admin")
    grant(app, "eve", "support")
    template = "role_granted_to_other"
    assert language_of(app, template) == "de"
    assert language_of(app, template, "bob@example.com") == "en"
    told = mailbox.text_of(mailbox.newest(app, template, "ada@example.com"))
    assert "durch eine Person mit Zugang zur Kommandozeile." in told


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET signup_locale = NULL; UPDATE outbox SET language = NULL",  # by an earlier release
        "UPDATE outbox SET language = 'xx'",  # the language was removed
    ],
)
def test_mail_without_an_installed_language_is_in_the_default_one(change: str) -> None:
    for default in ("de", "en"):
        with memory_app({"DEFAULT_LANGUAGE": default}) as app:
            register(app.test_client())
            for statement in change.split("; "):
                execute(app, statement)
            assert language_of(app, "verify_email") == default


def test_language_of_a_sign_up_is_that_of_the_screens_then_of_the_browser_if_it_is_installed() -> None:
    chosen = {"cookie": ("de", ENGLISH, "de"), "removed": ("xx", GERMAN, "de"), "none": (None, {}, None)}
    chosen["foreign"] = (None, {"Accept-Language": "fr, *"}, None)
    for name, (cookie, headers, wanted) in chosen.items():
        with memory_app({"DEFAULT_LANGUAGE": "de"}) as app:
            client = app.test_client()
            if cookie:
                client.set_cookie("__Host-lang", cookie, secure=True)
            sign_up(client, **headers)
            (row,) = rows(app, "SELECT locale, signup_locale FROM users")
            assert (row["locale"], row["signup_locale"]) == (None, wanted), name
