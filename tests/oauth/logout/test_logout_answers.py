"""What the page of a logout request is told besides the decision, and what it does not repeat."""

from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.logouts import asked_to_log_out as ask
from tests.support.oauth import client_row
from tests.support.oauth_apps import change_grant, grant_row, latest_session
from tests.support.service import START, login, signed_in


@pytest.fixture
def access(app: Flask, client: FlaskClient) -> str:
    client_row(app, "app")
    return str(signed_in(client)["access_token"])


@pytest.mark.both_databases
def test_apps_that_are_not_told_of_the_end_are_named(app: Flask, client: FlaskClient, access: str) -> None:
    client_row(app, "told", backchannel_uri="https://told.example.com/logout")
    for client_id in ("wiki", "removed", "elsewhere"):
        client_row(app, client_id)
    for client_id in ("app", "told", "wiki", "wiki"):
        grant_row(app, client_id)
    change_grant(app, grant_row(app, "removed"), ended_at=START)
    first = latest_session(app)
    second = login(app.test_client()).get_json()["access_token"]
    grant_row(app, "elsewhere", session_id=first)
    assert ask(client, second, confirmed=True) == {"status": "done"}
    assert ask(client, access, client_id="app") == {"status": "confirm", "app": "App"}
    answer = ask(client, access, confirmed=True, client_id="app")
    assert answer == {"status": "done", "app": "App", "apps": ["Elsewhere", "Wiki"]}
    assert ask(client, access) == {"status": "done"}


def test_at_most_twenty_apps_are_named(app: Flask, client: FlaskClient, access: str) -> None:
    for number in range(25):
        client_row(app, f"app{number:02}", name=f"\u202eApp {number:02}")
        grant_row(app, f"app{number:02}")
    answer = ask(client, access, confirmed=True)
    assert answer["apps"] == [f"App {number:02}" for number in range(20)]


def test_page_does_not_repeat_the_request(client: FlaskClient) -> None:
    query = urlencode({"id_token_hint": "of-a-person", "state": "s3cret", "next": "of-a-person"})
    page = client.get(f"/oauth/logout?{query}").get_data(as_text=True)
    assert "of-a-person" not in page
    assert "s3cret" not in page
