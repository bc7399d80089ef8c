"""The language of an account: chosen by `PATCH /auth/me`, in user objects, the export and the transfer."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.memory_apps import memory_app
from tests.support.requests import said
from tests.support.service import FixedClock, bearer, login, me, rows, signed_in


@pytest.fixture
def access(client: FlaskClient) -> str:
    return str(signed_in(client)["access_token"])


def patch(client: FlaskClient, access: str, **body: Any) -> Any:
    return client.patch("/auth/me", json=body, headers=bearer(access))


def test_chosen_language_is_in_user_objects_and_null_asks_the_browser(
    app: Flask, client: FlaskClient, access: str
) -> None:
    assert me(client, access).get_json()["user"]["locale"] is None
    assert patch(client, access, locale="de").get_json()["user"]["locale"] == "de"
    assert login(client).get_json()["user"]["locale"] == "de"
    assert patch(client, access, username="ada").get_json()["user"]["locale"] == "de"
    assert patch(client, access, locale="").get_json()["user"]["locale"] == "de"
    assert patch(client, access, locale=None).get_json()["user"]["locale"] is None
    assert rows(app, "SELECT locale FROM users") == [{"locale": None}]


@pytest.mark.parametrize("tag", ["fr", "DE", "de-AT", "../de", "de\n", "x" * 5000, 7, ["de"], {"tag": "de"}])
def test_language_that_is_not_installed_is_refused_without_its_value(
    client: FlaskClient, access: str, tag: Any
) -> None:
    answer = patch(client, access, locale=tag, username="lovelace")
    assert said(answer) == (400, "validation_failed")
    fault = answer.get_json()["fields"]
    assert fault == {"locale": "must be one of de, en" if isinstance(tag, str) else "must be text"}
    assert me(client, access).get_json()["user"]["username"] == "ada"


def test_choice_of_a_language_needs_no_fresh_login_but_a_user_name_beside_it_does(
    client: FlaskClient, access: str, clock: FixedClock
) -> None:
    clock.advance(601)
    assert said(patch(client, access, locale="de", username="lovelace")) == (403, "reauth_required")
    assert me(client, access).get_json()["user"]["locale"] is None
    assert patch(client, access, locale="de").status_code == 200
    access = login(client).get_json()["access_token"]
    user = patch(client, access, locale="en", username="lovelace").get_json()["user"]
    assert (user["locale"], user["username"]) == ("en", "lovelace")


def test_export_of_own_data_has_the_languages(client: FlaskClient) -> None:
    with memory_app() as app:
        client = app.test_client()
        body = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}
        client.post("/auth/register", json=body, headers={"Accept-Language": "de"})
        access = login(client, password=body["password"]).get_json()["access_token"]
        patch(client, access, locale="en")
        found = client.get("/auth/me/export", headers=bearer(access)).get_json()
        assert (found["user"]["locale"], found["user"]["signup_locale"]) == ("en", "de")
        assert found["mails"][0]["language"] == "de"
