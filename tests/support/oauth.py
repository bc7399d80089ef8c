"""Clients of the OpenID Connect provider, for tests."""

from datetime import datetime
from typing import Any

from flask import Flask

from oauth.clients.authentication import digest_of
from oauth.stores import client_secrets, clients
from tests.support.fast_beginnings import step
from tests.support.service import START
from utils.services import services

SECRET = "s3cret-of-the-client-" + "x" * 30
REDIRECT = "https://app.example.com/cb"


def client_row(app: Flask, client_id: str = "app", *, secret: str | None = SECRET, **columns: Any) -> str:
    """Insert a client, by default a confidential one with `SECRET`, and return its id."""
    values: dict[str, Any] = {
        "id": client_id,
        "name": client_id.title(),
        "kind": "web",
        "redirect_uris": [REDIRECT],
        "post_logout_uris": [],
        "scopes": ["openid", "profile", "email", "offline_access"],
        "pkce": "required",
        "trusted": False,
        "id_token_alg": "RS256",
        "claims_in_id_token": True,
        "takes_unverified": False,
        "require_factor": False,
        "created_at": START,
    }

    def insert(app: Flask) -> None:
        with app.app_context():
            clients.add(services().tx(), values | columns)
            if secret is not None and (values | columns)["kind"] in {"web", "resource"}:
                secret_row(client_id, secret)
            services().tx().commit()

    step(app, ["client", client_id, secret, columns], insert)
    return client_id


def secret_row(client_id: str, secret: str, now: datetime = START) -> None:
    """Add a secret to a client, in the current application context and without a commit."""
    client_secrets.add(services().tx(), client_id, digest_of(secret), now)
