"""Passkeys through the API: added to an account, and used to log in."""

from typing import Any

from flask.testing import FlaskClient

from tests.support.requests import post
from tests.support.soft_passkey import SoftPasskey

INVALID = (401, "passkey_invalid")
ASKED = (401, "second_factor_required")


def added(client: FlaskClient, access: str, **how: Any) -> SoftPasskey:
    """Add a passkey to the account and return it."""
    passkey = SoftPasskey(**how)
    answer = add(client, access, passkey)
    assert answer[0].status_code == 201, answer[0].get_data(as_text=True)
    return passkey


def add(client: FlaskClient, access: str, passkey: SoftPasskey, **how: Any) -> Any:
    """Add this passkey to the account; return the response and the options."""
    options = post(client, "passkeys/options", access).get_json()["public_key"]
    return post(client, "passkeys", access, credential=passkey.create(options, **how), name="Phone"), options


def options_of(client: FlaskClient) -> dict[str, Any]:
    """Return the options of a login by passkey alone."""
    found: dict[str, Any] = post(client, "login/passkey/options").get_json()["public_key"]
    return found


def log_in(client: FlaskClient, passkey: SoftPasskey, **how: Any) -> Any:
    """Log in by passkey alone; return the response."""
    return post(client, "login/passkey", credential=passkey.get(options_of(client), **how))
