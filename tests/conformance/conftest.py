"""The client and the person of the suite."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.conformance import Suite
from tests.support.oauth import client_row
from tests.support.service import signed_in

BACK = "https://app.example.com/post_logout_redirect"


def suite_of(app: Flask, client: FlaskClient) -> Suite:
    """Register a client as the suite has one, log ada in, and return both."""
    client_row(app, pkce="optional", takes_unverified=True, post_logout_uris=[BACK])
    client_row(app, "other", pkce="optional")
    return Suite(app, client, signed_in(client)["access_token"])


@pytest.fixture
def suite(app: Flask, client: FlaskClient) -> Suite:
    return suite_of(app, client)
