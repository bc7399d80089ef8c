"""An account with a passkey, and one that an intruder uses."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.compromised_account import CompromisedAccount
from tests.support.passkeys import added
from tests.support.requests import confirm_addresses
from tests.support.service import FixedClock, signed_in
from tests.support.soft_passkey import SoftPasskey


@pytest.fixture
def access(client: FlaskClient) -> str:
    """Return an access token of an account with a confirmed address."""
    found = str(signed_in(client)["access_token"])
    confirm_addresses(client.application)
    return found


@pytest.fixture
def passkey(client: FlaskClient, access: str) -> SoftPasskey:
    return added(client, access)


@pytest.fixture
def compromised(app: Flask, clock: FixedClock) -> CompromisedAccount:
    return CompromisedAccount(app, clock)
