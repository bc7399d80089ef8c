"""A client and a person for the tests of authorization requests."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.oauth import client_row
from tests.support.service import signed_in


@pytest.fixture
def app(app: Flask) -> Flask:
    client_row(app)
    return app


@pytest.fixture
def access(client: FlaskClient) -> str:
    """Return an access token of ada."""
    token: str = signed_in(client)["access_token"]
    return token
