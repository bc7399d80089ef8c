"""Accounts with second factors, which several packages of tests begin with."""

import pytest
from flask.testing import FlaskClient

from tests.support.authenticator_app import Owner
from tests.support.service import FixedClock


@pytest.fixture
def owner(client: FlaskClient, clock: FixedClock) -> Owner:
    return Owner(client, clock)
