"""Sign-ups and their confirmation, as the screens call them."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import mailbox
from tests.support.requests import everything, post, said
from tests.support.service import PASSWORD, bearer, rows

SAME = {"Sec-Fetch-Site": "same-origin"}
COOKIE = "__Host-signup"
PAGE = "/cart?item=7"
UNPROVEN = (400, "missing_fields")


def sign_up(client: FlaskClient, name: str = "ada", **more: Any) -> TestResponse:
    """Sign up as the screens do."""
    body = {
        "username": name,
        "email": f"{name}@example.com",
        "password": PASSWORD,
        "token_delivery": "cookie",
    }
    return client.post("/auth/register", json={**body, "next": PAGE, **more}, headers=SAME)


def link(app: Flask, name: str = "ada") -> str:
    return mailbox.token(app, "verify_email", f"{name}@example.com")


def confirm(client: FlaskClient, token: str, access: str = "", **more: Any) -> TestResponse:
    """Confirm as the screens do."""
    headers = SAME | (bearer(access) if access else {})
    body = {"token": token, "token_delivery": "cookie", **more}
    return client.post("/auth/email/verify", json=body, headers=headers)


def cookie_of(client: FlaskClient) -> str | None:
    found = client.get_cookie(COOKIE)
    return found.value if found else None


def sessions(app: Flask) -> list[dict[str, Any]]:
    return rows(app, "SELECT * FROM sessions WHERE ended_at IS NULL")


def is_asked_for_the_password(app: Flask, client: FlaskClient, token: str, *, fits: bool = False) -> None:
    """Check that a confirmation by cookie is refused and changes nothing.

    A cookie that `fits` the link stays, as it still tells where to go on; any other is cleared.
    """
    before, had_cookie = everything(app), cookie_of(client)
    assert post(client, "email/verify/check", token=token).get_json()["signed_up_here"] is False
    answer = confirm(client, token)
    assert said(answer) == UNPROVEN
    assert everything(app) == before
    assert cookie_of(client) == (had_cookie if fits else None)
    assert len(answer.headers.getlist("Set-Cookie")) == bool(had_cookie and not fits)
