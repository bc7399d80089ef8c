"""Fixtures for the tests of your own modules: a plugin of pytest.

    pytest_plugins = ["auth_testing"]  # in the file of the tests, or in the conftest.py of their folder

auth_settings   settings besides those of `testing`; by default APP_MODULES of the environment or of `.env`
clock           stands until `clock.advance(seconds)`
app, client     the service with your modules and an empty database in memory, and a client of it
new_user        `new_user("ada", roles={"editor": ["reports:read"]})` returns an account that is logged in
user            an account without roles: `client.get("/reports/mine", headers=user.headers)`
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values
from flask import Flask
from flask.testing import FlaskClient

from auth_testing.service import MovedClock, NewUser, User, app_in_memory

__all__ = ["MovedClock", "NewUser", "User", "app_in_memory"]

ENV_FILE = Path(__file__).parent.parent / ".env"


@pytest.fixture
def auth_settings() -> dict[str, str]:
    """Return settings by their names. Define a fixture of this name for others."""
    modules = os.environ.get("APP_MODULES") or dotenv_values(ENV_FILE).get("APP_MODULES")
    return {"APP_MODULES": modules} if modules else {}


@pytest.fixture
def clock() -> MovedClock:
    """Return the clock of the service, which stands at 1 March 2026, 12:00 UTC, until the test moves it."""
    return MovedClock()


@pytest.fixture
def app(auth_settings: dict[str, str], clock: MovedClock) -> Iterator[Flask]:
    """Return the service with an empty database in memory."""
    with app_in_memory(auth_settings, clock) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client of the service."""
    return app.test_client()


@pytest.fixture
def new_user(app: Flask) -> NewUser:
    """Return a function that makes accounts."""
    return NewUser(app)


@pytest.fixture
def user(new_user: NewUser) -> User:
    """Return an account without roles, which is logged in."""
    return new_user()
