"""The privacy policy and the terms of a client, where consent is asked."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.authorization_requests import asked, authorization_query
from tests.support.oauth import client_row


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("https://app.example.com/privacy", "https://app.example.com/privacy"),
        ("http://app.example.com/privacy", None),
        ("http://localhost/privacy", None),
        ("javascript:alert(1)", None),
        ("https://app.example.com@evil.example/", None),
        (None, None),
    ],
)
def test_question_links_to_https_documents_only(
    app: Flask, client: FlaskClient, access: str, stored: str | None, shown: str | None
) -> None:
    client_row(app, "with-documents", policy_uri=stored, terms_uri=stored)
    asker = asked(client, authorization_query(client_id="with-documents"), access)["client"]
    assert (asker["policy_uri"], asker["terms_uri"]) == (shown, shown)
