"""The pages that mailed links lead to: looking at one, as scanners of mails do, changes nothing."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth import mails
from config import PAGES
from pages import LANDINGS
from tests import mailbox
from tests.apps import settings_of
from tests.calls import everything, moved, post
from tests.conftest import AppFactory
from tests.support import PASSWORD, bearer, execute, login, signed_in

CALLS = {
    "/verify-email": "/auth/email/verify",
    "/reject": "/auth/email/reject",
    "/reset": "/auth/password/reset",
    "/undo-email-change": "/auth/email/change/undo",
    "/restore": "/auth/me/restore",
    "/disown": "/auth/sessions/disown",
}


def test_every_link_of_the_settings_has_a_page_and_every_mail_a_link_of_these(app: Flask) -> None:
    assert set(PAGES.values()) == set(LANDINGS) == set(CALLS)
    settings = settings_of(app)
    for name, path in PAGES.items():
        assert getattr(settings, name) == f"http://localhost:8000{path}"
    linked = {f"link_{link}" for mail in mails.MAILS.values() for link in mail.links}
    assert linked == set(PAGES)


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_names_its_call_and_changes_nothing(make_app: AppFactory, path: str, method: str) -> None:
    app = make_app({"RATE_LIMIT_ENABLED": "true"})
    client = app.test_client()
    signed_in(client)
    post(client, "password/forgot", email="ada@example.com")
    links = [mailbox.token(app, name) for name in ("verify_email", "reset_password", "new_sign_in")]
    before = everything(app)
    for query in ("", *(f"?token={token}" for token in links)):
        answer = client.open(path + query, method=method)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")
        page = answer.get_data(as_text=True)
        assert not any(token in page for token in links)
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        policy = answer.headers["Content-Security-Policy"]
        assert all(f"{name} 'none'" in policy for name in ("default-src", "form-action", "frame-ancestors"))
        assert "unsafe-inline" not in policy
        if method == "HEAD":
            assert page == ""
            continue
        assert f"http://localhost:8000{CALLS[path]}" in page
        assert not re.search(r"<script|<style|<form|<img|<link|<iframe|\son\w+=|\sstyle=|javascript:", page)
    assert everything(app) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_the_calls_behind_the_pages_are_made_by_post_only(
    app: Flask, client: FlaskClient, method: str
) -> None:
    pair = signed_in(client)
    token = mailbox.token(app, "verify_email")
    before = everything(app)
    for path in CALLS.values():
        answer = client.open(f"{path}?token={token}", method=method, headers=bearer(pair["access_token"]))
        assert answer.status_code == (200 if method == "OPTIONS" else 405)
    assert everything(app) == before
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200


def test_every_mailed_link_leads_to_its_page_and_still_works_after_scanners_were_there(
    app: Flask, client: FlaskClient
) -> None:
    access = signed_in(client)["access_token"]
    post(client, "password/forgot", email="ada@example.com")
    assert moved(app, access).status_code == 200
    execute(app, "UPDATE users SET password_blocked_at = NULL")
    client.delete("/auth/me", headers=bearer(access))
    found = {url for mail in mailbox.mails(app) for url in re.findall(r"https?://\S+", mailbox.text_of(mail))}
    pages = {url.partition("#")[0].removeprefix("http://localhost:8000") for url in found}
    assert pages == set(CALLS)
    for url in found:
        for method in ("GET", "HEAD", "GET"):
            assert client.open(url.partition("#")[0], method=method).status_code == 200
    undo = mailbox.token(app, "email_changed")
    restore = mailbox.token(app, "deletion_requested")
    assert post(client, "me/restore", token=restore).status_code == 200
    assert post(client, "email/change/undo", token=undo).status_code == 200
    assert login(client).status_code == 401


def test_a_page_shows_no_word_of_its_address(client: FlaskClient) -> None:
    hostile = '"><script>alert(1)</script>'
    page = client.get("/reset", query_string={"token": hostile}, headers={"Host": "evil.example"})
    text = page.get_data(as_text=True)
    assert "alert" not in text
    assert "evil.example" not in text
