"""Where the text of an authorization code is: in the answer to the decision, and nowhere else."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.authorization_requests import BROWSES, CALLBACK, authorization_query, opened
from tests.support.requests import everything
from tests.support.service import bearer

QUERY = authorization_query()


def test_fault_4_code_is_in_the_address_of_the_client_and_nowhere_else(
    app: Flask, client: FlaskClient, access: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"query": QUERY, "ticket": opened(client, QUERY)}
    decision = client.post(
        "/auth/authorizations/decision", json=body | {"allow": True}, headers=bearer(access)
    )
    address = decision.get_json()["redirect_to"]
    code = address.partition("code=")[2].partition("&")[0]
    assert address.startswith(f"{CALLBACK}?")
    assert len(code) > 40
    assert decision.get_data(as_text=True).count(code) == 1
    assert decision.headers["Cache-Control"] == "no-store"
    assert code not in str(decision.headers)
    for path in ("/auth/me/activity", "/auth/sessions", "/auth/apps", "/auth/me/export"):
        answer = client.get(path, headers=bearer(access))
        assert answer.status_code == 200, path
        assert code not in answer.get_data(as_text=True)
    page = client.get(f"/oauth/authorize?{QUERY}", headers=BROWSES)
    assert code not in page.get_data(as_text=True)
    assert code not in str(everything(app))
    assert code not in caplog.text
