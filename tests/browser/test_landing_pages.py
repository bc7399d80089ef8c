"""The pages that mailed links lead to: fetching one, as mail scanners do, changes nothing."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import pages
from auth.mailing import messages
from config_checks import PAGES
from pages.routes import FORMS
from pages.safety import POLICY
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.commands import auth
from tests.support.memory_apps import settings_of
from tests.support.requests import everything, moved, post
from tests.support.service import PASSWORD, bearer, execute, login, signed_in

CALLS = {
    "/verify-email": "/auth/email/verify",
    "/reject": "/auth/email/reject",
    "/reset": "/auth/password/reset",
    "/undo-email-change": "/auth/email/change/undo",
    "/restore": "/auth/me/restore",
    "/disown": "/auth/sessions/disown",
}


def test_link_settings_pages_and_mails_match(app: Flask) -> None:
    assert set(PAGES.values()) - {"/oauth/authorize"} == set(CALLS) <= set(FORMS)
    settings = settings_of(app)
    for name, path in PAGES.items():
        assert getattr(settings, name) == f"http://localhost:8000{path}"
    linked = {f"link_{link}" for links in messages.MAILS.values() for link in links}
    assert linked == set(PAGES) - {"link_authorize"}  # which no mail has


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_fetching_a_landing_page_changes_nothing_and_shows_no_token(
    make_app: AppFactory, path: str, method: str
) -> None:
    app = make_app({"RATE_LIMIT_ENABLED": "true"})
    client = app.test_client()
    signed_in(client)
    post(client, "password/forgot", email="ada@example.com")
    links = [mailbox.token(app, name) for name in ("verify_email", "reset_password", "new_sign_in")]
    before = everything(app)
    browses = {"Accept": "text/html,*/*;q=0.8"}
    for query in ("", *(f"?token={token}" for token in links)):
        answer = client.open(path + query, method=method, headers=browses)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")
        page = answer.get_data(as_text=True)
        assert not any(token in page for token in links)
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert page == "" if method == "HEAD" else f'action="{path}"' in page
    assert everything(app) == before


@pytest.mark.parametrize("path", CALLS)
def test_plain_form_post_to_a_landing_page_changes_nothing(
    app: Flask, client: FlaskClient, path: str
) -> None:
    signed_in(client)
    token = mailbox.token(app, "verify_email")
    before = everything(app)
    sent = {"token": token, "username": "ada@example.com", "password": PASSWORD, "new_password": PASSWORD}
    answer = client.post(path, data=sent, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    page = answer.get_data(as_text=True)
    assert "Nothing was sent, and nothing has changed" in page
    assert not any(value in page for value in sent.values())
    assert everything(app) == before


def test_page_scripts_contain_the_api_paths() -> None:
    scripts = "".join(
        path.read_text("utf-8") for path in (Path(pages.__file__).parent / "static").rglob("*.js")
    )
    for call in CALLS.values():
        assert f'"{call}"' in scripts


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_landing_page_calls_accept_post_only(app: Flask, client: FlaskClient, method: str) -> None:
    pair = signed_in(client)
    token = mailbox.token(app, "verify_email")
    before = everything(app)
    for path in CALLS.values():
        answer = client.open(f"{path}?token={token}", method=method, headers=bearer(pair["access_token"]))
        assert answer.status_code == (200 if method == "OPTIONS" else 405)
    assert everything(app) == before
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200


def test_mailed_links_work_after_mail_scanners_fetched_them(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    post(client, "password/forgot", email="ada@example.com")
    assert moved(app, access).status_code == 200
    execute(app, "UPDATE users SET password_blocked_at = NULL")
    client.delete("/auth/me", headers=bearer(access))
    found = {url for mail in mailbox.mails(app) for url in re.findall(r"https?://\S+", mailbox.text_of(mail))}
    linked = {url.partition("#")[0].removeprefix("http://localhost:8000") for url in found}
    assert linked == set(CALLS)
    for url in found:
        for method in ("GET", "HEAD", "GET"):
            assert client.open(url.partition("#")[0], method=method).status_code == 200
    undo = mailbox.token(app, "email_changed")
    restore = mailbox.token(app, "deletion_requested")
    assert post(client, "me/restore", token=restore).status_code == 200
    assert post(client, "email/change/undo", token=undo).status_code == 200
    assert login(client).status_code == 401


def test_landing_page_does_not_reflect_query_or_host(client: FlaskClient) -> None:
    hostile = '"><script>alert(1)</script>'
    page = client.get("/reset", query_string={"token": hostile}, headers={"Host": "evil.example"})
    text = page.get_data(as_text=True)
    assert "<script>alert" not in text
    assert "evil.example" not in text


def test_doctor_warns_of_links_to_disabled_pages(make_app: AppFactory) -> None:
    def told(**settings: str) -> bool:
        return "Set LINK_RESET and the other" in auth(make_app(settings), "doctor", "--json").stdout

    assert told(PAGES_ENABLED="false")
    assert not told(PAGES_ENABLED="false", LINK_RESET="https://www.example.com/new-password")
    assert not told()
