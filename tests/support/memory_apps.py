"""Apps for tests that do not depend on the database, and access tokens forged with the real key."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import create_engine

from app import create_app
from config import Settings, TestingConfig
from models import db
from tests.support import fast_beginnings
from tests.support.built_in_roles import add_built_in_roles
from tests.support.service import START, FixedClock
from tests.support.signing_keys import CachedKeys
from utils.crypto.keys import key_id

Json = dict[str, Any]


@contextmanager
def memory_app(environ: dict[str, str] | None = None, **services: Any) -> Iterator[Flask]:
    """An app on an empty SQLite database in memory."""
    settings = Settings.load(TestingConfig, environ or {})
    fixed: Json = {"clock": FixedClock(), "make_signing_key": CachedKeys()}
    app = create_app(settings=settings, **(fixed | services))
    with app.app_context(), db.engine.connect() as connection:
        sqlite: Any = connection.connection.driver_connection
        sqlite.deserialize(_empty_database())
    if services.keys() <= {"clock"}:
        fast_beginnings.begin(app, settings)
    yield app
    with app.app_context():
        db.engine.dispose()


@cache
def _empty_database() -> bytes:
    """A SQLite database with every table, made once for all apps of this process."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        db.metadata.create_all(connection)
        add_built_in_roles(connection)
        sqlite: Any = connection.connection.driver_connection
        connection.commit()
        found: bytes = sqlite.serialize()
    engine.dispose()
    return found


def settings_of(app: Flask) -> Settings:
    found: Settings = app.extensions["auth_services"].settings
    return found


def header(**changes: Any) -> Json:
    """Return the header of a valid access token, with changes; None removes a field."""
    return _changed({"typ": "at+jwt", "alg": "HS256", "kid": key_id(_key())}, changes)


def claims(**changes: Any) -> Json:
    """Return the claims of a valid access token of user 1 without a session, with changes."""
    now = START.timestamp()
    issuer = "http://localhost:8000"
    genuine = {"iss": issuer, "aud": issuer, "sub": "1", "jti": str(uuid4()), "iat": now, "exp": now + 3600}
    return _changed(genuine, changes)


def _changed(values: Json, changes: Json) -> Json:
    return {name: value for name, value in (values | changes).items() if value is not None}


def encoded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def forged(head: object, body: object, *, key: str | None = None, digest: str = "sha256") -> str:
    """Return a token of this header and these claims (JSON, or raw text), signed with `key` or ours."""
    signing = f"{encoded(head)}.{encoded(body)}"
    signature = hmac.digest((key or _key()).encode(), signing.encode(), getattr(hashlib, digest))
    return f"{signing}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _key() -> str:
    return TestingConfig.JWT_SECRET_KEY or ""
