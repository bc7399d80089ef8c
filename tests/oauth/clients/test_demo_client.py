"""The demo client: registration, and a login against an issuer that a test plays."""

import http.client
from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask

from auth.roles.actors import operator
from oauth.clients import demo
from oauth.clients.errors import ClientInvalid
from tests.support.commands import asked, auth
from tests.support.oauth import client_row
from tests.support.production import load
from tests.support.service import rows
from utils.services import services

ISSUER = "http://localhost:8000"


class Issuer:
    """Answers token and userinfo calls, and keeps the forms."""

    def __init__(self) -> None:
        self.forms: list[Mapping[str, str]] = []

    def __call__(
        self, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> dict[str, object]:
        assert url.startswith(ISSUER)
        if form is not None:
            self.forms.append(form)
            return {"access_token": "secret-token"}
        assert headers == {"Authorization": "Bearer secret-token"}
        return {"sub": "1", "preferred_username": "<ada>"}


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def port(issuer: Issuer) -> Iterator[int]:
    server = demo.server(ISSUER, 0, issuer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def got(port: int, path: str, cookie: str = "") -> tuple[int, Mapping[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def test_login_ends_with_the_claims_of_userinfo(port: int, issuer: Issuer) -> None:
    assert got(port, "/")[0] == 200
    status, headers, _ = got(port, "/login")
    target, cookie = urlsplit(headers["Location"]), headers["Set-Cookie"].partition(";")[0]
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    assert (status, f"{target.scheme}://{target.netloc}{target.path}") == (303, f"{ISSUER}/oauth/authorize")
    assert query["redirect_uri"] == f"http://localhost:{port}/callback"
    assert query["code_challenge_method"] == "S256"
    answer = {"code": "c", "state": query["state"], "iss": ISSUER}
    _, _, body = got(port, f"/callback?{urlencode(answer)}", cookie)
    assert "You are logged in." in body
    assert "Log in again" in body
    assert "&lt;ada&gt;" in body
    assert "secret-token" not in body
    assert issuer.forms[0]["redirect_uri"] == query["redirect_uri"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"state": "other"}, "begun in another browser"),
        ({"iss": "https://evil.example"}, "not from this service"),
        ({"code": "", "error": "access_denied"}, "access_denied"),
    ],
)
def test_wrong_answer_is_shown_and_no_code_is_redeemed(
    port: int, issuer: Issuer, changed: dict[str, str], said: str
) -> None:
    headers = got(port, "/login")[1]
    cookie = headers["Set-Cookie"].partition(";")[0]
    state = parse_qs(urlsplit(headers["Location"]).query)["state"][0]
    query = {"code": "c", "state": state, "iss": ISSUER} | changed
    assert said in got(port, f"/callback?{urlencode(query)}", cookie)[2]
    assert issuer.forms == []
    assert said == "access_denied" or "begun in another" in got(port, f"/callback?{urlencode(query)}")[2]


def test_path_that_is_no_address_is_answered(port: int) -> None:
    assert got(port, "HTTP://[/login")[0] == 404


def test_demo_client_registers_itself_once(app: Flask) -> None:
    for _ in range(2):
        assert asked(app, "demo-client", "--register-only") == {"id": "demo"}
    sql = "SELECT kind, trusted, redirect_uris FROM oauth_clients"
    found: Any = rows(app, sql)
    assert [(row["kind"], bool(row["trusted"])) for row in found] == [("native", False)]


def test_demo_client_leaves_another_client_of_its_id_alone(app: Flask) -> None:
    client_row(app, "demo")
    result = auth(app, "demo-client", "--register-only")
    assert (result.exit_code, "Another client has the id demo." in result.stderr) == (1, True)


def test_demo_client_is_refused_in_production(app: Flask) -> None:
    with app.app_context(), pytest.raises(ClientInvalid, match="development only"):
        demo.register(replace(services(), settings=load()), operator())
    assert rows(app, "SELECT * FROM oauth_clients") == []
