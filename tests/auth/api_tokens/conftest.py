"""An account that can have API tokens."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api_tokens import READ, give
from tests.support.service import signed_in


@pytest.fixture
def access(app: Flask, client: FlaskClient) -> str:
    """Return the access token of an account that may `READ`."""
    found = str(signed_in(client)["access_token"])
    give(app, READ)
    return found
