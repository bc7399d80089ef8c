"""The metadata is repeated without Flask: nothing that a call sees or leaves behind differs by that."""

import json
import logging

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from oauth.stores import clients
from tests.conftest import AppFactory
from tests.support.oauth import client_row
from tests.support.service import FixedClock, execute
from utils.database.reads import Reads

PATH = "/.well-known/openid-configuration"


def seen(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return what a caller sees but for the id of the request."""
    headers = [(name, value) for name, value in answer.headers if name != "X-Request-Id"]
    return answer.status_code, answer.data, headers


@pytest.mark.parametrize("origins", ["", "https://spa.example.com"])
def test_repeated_document_is_as_the_first_and_has_an_id_of_its_own(
    make_app: AppFactory, origins: str
) -> None:
    app = make_app({"CORS_ORIGINS": origins} if origins else {})
    calls: list[Response] = []

    @app.after_request
    def note(response: Response) -> Response:
        calls.append(response)
        return response

    client_row(app)
    client = app.test_client()
    answers = [client.get(PATH) for _ in range(3)]
    assert len(calls) == 1
    assert seen(answers[0]) == seen(answers[1]) == seen(answers[2])
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 3
    head = client.head(PATH)
    assert (head.data, head.headers["ETag"]) == (b"", answers[0].headers["ETag"])
    assert client.get(PATH, headers={"If-None-Match": "*"}).status_code == 304
    assert client.post(PATH).status_code == 405
    assert len(calls) == 4


def test_repeated_document_is_logged_and_counted_as_any_call(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app({"TRUSTED_PROXIES": "1"})
    client_row(app)
    client = app.test_client()
    caplog.set_level(logging.INFO, "auth")
    for number in (1, 2):
        client.get(PATH, headers={"X-Forwarded-For": f"192.0.2.{number}"})
    lines = [vars(record) for record in caplog.records if record.message == "request"]
    found = [(line["route"], line["status"], line["ip_address"]) for line in lines]
    assert found == [(PATH, 200, "192.0.2.1"), (PATH, 200, "192.0.2.2")]
    metrics = app.extensions["auth_services"].metrics.exposition().decode()
    assert f'auth_request_seconds_count{{method="GET",route="{PATH}",status="200"}} 2.0' in metrics


@pytest.mark.provokes_errors
def test_document_is_no_longer_repeated_when_it_is_not_right(
    app: Flask, client: FlaskClient, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_row(app)
    assert "issuer" in json.loads(client.get(PATH).data)
    execute(app, "DELETE FROM oauth_clients")
    clock.advance(60)
    assert client.get(PATH).status_code == 404
    client_row(app)
    clock.advance(1)
    assert [client.get(PATH).status_code for _ in range(2)] == [200, 200]

    def failing(reads: Reads) -> bool:
        raise LookupError(reads)

    monkeypatch.setattr(clients, "any_registered", failing)
    clock.advance(60)
    assert client.get(PATH).status_code == 500
