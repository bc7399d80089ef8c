"""A logged-in user, for tests that make many calls."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.mailbox import mailed
from tests.support.service import PASSWORD, bearer, login, register

NEW = "a new and long one"
Action = Callable[[], TestResponse]


class Member:
    """A logged-in user, with shortcuts for the calls that they can make."""

    def __init__(self, app: Flask, name: str = "ada") -> None:
        self.app, self.client, self.name = app, app.test_client(), name
        self.address = f"{name}@example.com"
        register(self.client, name)
        self.verification = mailed(app, "verify_email")
        pair = login(self.client, name).get_json()
        self.access, self.refreshing = pair["access_token"], pair["refresh_token"]
        self.disowning = mailed(app, "new_sign_in")

    def post(self, path: str, **body: Any) -> TestResponse:
        return self.client.post(f"/auth/{path}", json=body, headers=bearer(self.access))

    def forgot(self) -> str:
        self.post("password/forgot", email=self.address)
        return mailed(self.app, "reset_password")

    def change_address(self, to: str = "new@example.com") -> str:
        self.post("email/change", email=to)
        return mailed(self.app, "change_email")

    def move(self, to: str = "new@example.com") -> str:
        assert self.post("email/verify", token=self.change_address(to)).status_code == 200
        return mailed(self.app, "email_changed")

    def request_deletion(self) -> TestResponse:
        return self.client.delete("/auth/me", headers=bearer(self.access))

    def pending_deletion(self) -> str:
        assert self.request_deletion().status_code == 202
        return mailed(self.app, "deletion_requested")

    def with_token(self, path: str, token: str, **body: Any) -> Action:
        """Return a call with a link's token, from a client without a session."""
        client = self.app.test_client()
        return lambda: client.post(f"/auth/{path}", json={"token": token, **body})

    def verified_without_session(self) -> Action:
        return self.with_token("email/verify", self.verification, password=PASSWORD)

    def change_password(self) -> TestResponse:
        return self.post("password/change", current_password=PASSWORD, new_password=NEW)

    def rename(self) -> TestResponse:
        return self.client.patch("/auth/me", json={"username": "lovelace"}, headers=bearer(self.access))

    def export(self) -> TestResponse:
        return self.client.get("/auth/me/export", headers=bearer(self.access))
