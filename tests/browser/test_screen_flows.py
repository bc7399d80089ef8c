"""Flows from form to result: what each screen does with the service, and that it reveals no account."""

import re
import shutil
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.screen_steps import (
    NEW_PASSWORD,
    answer,
    calls,
    fill_login,
    fill_signup,
    heading,
    in_module,
    reset_link,
    stub_account_page,
    submit,
)
from tests.support.screens import DESKTOP, Site, log_in, opened, said
from tests.support.server import serving
from tests.support.service import PASSWORD


def read(page: Page) -> list[str]:
    """Return the visible and announced text of a page, without the typed address."""
    parts = [page.url, page.title(), page.locator("main").inner_text(), str(said(page))]
    return [re.sub(r"person[\w-]*@|stranger@", "@", part) for part in parts]


def new_password(page: Page, password: str = NEW_PASSWORD) -> None:
    page.get_by_label("New Password", exact=True).fill(password)
    page.get_by_label("Confirm New Password").fill(password)
    submit(page, "Save New Password")


def expire_links(site: Site, address: str) -> None:
    """Expire the links to this address."""
    change = "UPDATE one_time_tokens SET expires_at = '2020-01-01 00:00:00' WHERE email = ?"
    with closing(sqlite3.connect(site.mails.parent / "auth.db")) as database, database:
        assert database.execute(change, (address,)).rowcount > 0


@pytest.mark.slow
def test_70_taken_address_looks_like_a_new_one_when_hidden(
    browser: Browser, sqlite_template: Path, tmp_path: Path, complaints: list[str]
) -> None:
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    settings = {
        "RATE_LIMIT_ENABLED": "false",
        "PASSWORD_HASH_METHOD": "scrypt:256:8:1",
        "HIDE_ACCOUNT_EXISTENCE": "true",
        "MAIL_URL": f"file:{tmp_path / 'mail'}",
    }
    with serving(f"sqlite:///{tmp_path / 'auth.db'}", tmp_path, **settings) as server:
        seen = []
        for _ in range(2):  # the second time the address is taken
            context = browser.new_context(viewport=DESKTOP, base_url=server.url)
            page = opened(context, complaints)
            page.goto("/signup")
            fill_signup(page, "stranger@example.com")
            with page.expect_response("**/auth/register") as got:
                submit(page, "Sign Up")
            page.wait_for_url("**/signup/sent")
            expect(page.get_by_role("heading", name="Check Your Email")).to_be_focused()
            seen.append([str(got.value.status), *read(page)])
            context.close()
        assert seen[0] == seen[1]


@pytest.mark.slow
def test_70_taken_address_is_reported_by_default(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto("/signup")
    fill_signup(screen, address)
    submit(screen, "Sign Up")
    expect(screen.get_by_role("alert")).to_have_text(
        "An account with this email address already exists. Log In or reset your password."
    )
    screen.get_by_role("link", name="reset your password").click()
    expect(screen.get_by_label("Email Address")).to_have_value(address)


@pytest.mark.slow
def test_71_forgot_password_looks_the_same_for_every_address(screen: Page, site: Site) -> None:
    known = site.registered()
    seen = []
    for address in (known, "stranger@example.com"):
        screen.goto("/forgot")
        screen.get_by_label("Email Address").fill(address)
        submit(screen, "Send Reset Link")
        screen.wait_for_url("**/forgot/sent")
        expect(screen.locator("#sent-text")).to_contain_text(address)
        seen.append(read(screen))
    assert seen[0] == seen[1]
    times: dict[str, list[float]] = {known: [], "stranger@example.com": []}
    answers = []
    for _ in range(20):
        for address, taken in times.items():
            begun = time.perf_counter()
            answers.append(site.server.call("POST", "/auth/password/forgot", {"email": address}))
            taken.append(time.perf_counter() - begun)
    assert all(one == answers[0] for one in answers)
    medians = [statistics.median(taken) for taken in times.values()]
    assert abs(medians[0] - medians[1]) < 0.05


@pytest.mark.slow
def test_72_recipient_is_shown_and_is_in_no_url(screen: Page, site: Site) -> None:
    screen.goto("/forgot/sent")
    neutral = screen.locator("#sent-text")
    expect(neutral).to_contain_text("If an account exists for the address you gave")
    expect(screen.get_by_role("button", name="Resend Email")).to_be_hidden()
    screen.goto("/forgot")
    screen.get_by_label("Email Address").fill("stranger@example.com")
    submit(screen, "Send Reset Link")
    screen.wait_for_url("**/forgot/sent")
    for _ in range(2):
        expect(neutral).to_contain_text("If an account exists for stranger@example.com")
        assert screen.url == f"{site.url}/forgot/sent"
        screen.reload()


@pytest.mark.slow
def test_73_mail_can_be_resent_after_a_minute(screen: Page) -> None:
    answer(screen, "/auth/password/forgot", 202)
    sent = calls(screen, "/auth/password/forgot")
    screen.clock.install()
    screen.goto("/forgot")
    screen.get_by_label("Email Address").fill("stranger@example.com")
    submit(screen, "Send Reset Link")
    screen.wait_for_url("**/forgot/sent")
    button = screen.get_by_role("button", name="Resend Email")
    button.dblclick()
    expect(button).to_be_disabled()
    expect(button).not_to_have_attribute("disabled", "")
    expect(screen.get_by_role("status")).to_have_text("The email is on its way again.")
    expect(screen.locator("#resend-wait")).to_have_text("You can ask for another email in a minute.")
    screen.clock.run_for(50_000)
    expect(button).to_be_disabled()
    screen.clock.run_for(11_000)
    expect(button).to_be_enabled()
    expect(screen.get_by_role("status")).to_have_text("You can send the email again.")
    expect(screen.locator("#resend-wait")).to_be_empty()
    assert len(sent) == 2  # the form's, and one of the button's


def test_74_opening_a_reset_link_does_not_consume_it(screen: Page, site: Site) -> None:
    link = reset_link(site, site.registered())
    for method in ("GET", "HEAD", "GET", "HEAD"):
        with urlopen(Request(link, method=method)) as shell:
            assert shell.status == 200
    for _ in range(2):
        screen.goto("about:blank")
        screen.goto(link)
        heading(screen, "Set a New Password")
    new_password(screen)
    screen.wait_for_url("**/reset/done")
    screen.goto(link)
    heading(screen, "This Link Was Already Used")
    expect(screen.get_by_role("heading", level=1)).to_be_focused()


@pytest.mark.slow
@pytest.mark.parametrize("opened_first", [True, False])
def test_75_expired_reset_link_offers_a_new_one(screen: Page, site: Site, opened_first: bool) -> None:
    address = site.registered()
    link = reset_link(site, address)
    if opened_first:
        with screen.expect_response("**/auth/password/reset/check"):
            screen.goto(link)
        expire_links(site, address)
        new_password(screen)
    else:
        expire_links(site, address)
        screen.goto(link)
    heading(screen, "This Link Has Expired")
    screen.get_by_role("link", name="Send a New Link").click()
    screen.wait_for_url("**/forgot")


@pytest.mark.slow
def test_75_truncated_link_does_not_work(screen: Page) -> None:
    for link in ("/reset", "/reset#token=nonsense", "/verify-email", "/verify-email#token=nonsense"):
        screen.goto("about:blank")
        screen.goto(link)
        heading(screen, "This Link Does Not Work")


@pytest.mark.slow
def test_76_link_token_is_in_no_request_url(screen: Page, site: Site) -> None:
    link = reset_link(site, site.registered())
    token = link.partition("#token=")[2]
    asked: list[str] = []
    screen.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer', '')}"))
    with screen.expect_response("**/auth/password/reset/check"):
        screen.goto(link)
    assert screen.url == f"{site.url}/reset"
    assert token not in screen.evaluate("location.href + document.referrer")
    new_password(screen)
    screen.wait_for_url("**/reset/done")
    assert len(asked) > 5
    assert [url for url in asked if token in url] == []
    assert token not in site.server.log.read_text()
    assert screen.evaluate("history.state") is None


@pytest.mark.slow
def test_77_reset_ends_all_sessions(
    screen: Page, site: Site, browser: Browser, complaints: list[str]
) -> None:
    address = site.registered()
    stub_account_page(screen)
    log_in(screen, address)
    screen.goto("/terms")
    elsewhere = browser.new_context(viewport=DESKTOP, base_url=site.url)
    page = opened(elsewhere, complaints)
    page.goto(reset_link(site, address))
    new_password(page)
    page.wait_for_url("**/reset/done")
    heading(page, "Password Changed")
    assert page.evaluate("fetch('/auth/me').then((answer) => answer.status)") == 401
    page.get_by_role("link", name="Log In").click()
    fill_login(page, address, PASSWORD)
    submit(page, "Log In")
    expect(page.get_by_role("alert")).to_have_text("The email address or password is not correct.")
    elsewhere.close()
    ended = in_module(screen, "client.js", "(api) => api.callSignedIn('GET', '/auth/me')")
    assert (ended["status"], ended["code"]) == (401, "session_ended")


@pytest.mark.slow
def test_78_opening_a_confirmation_link_does_not_confirm(screen: Page, site: Site) -> None:
    address = site.registered()
    link = site.link(address, "/verify-email")
    sent = calls(screen, "/auth/email/verify")
    for _ in range(2):
        screen.goto("about:blank")
        screen.goto(link)
        heading(screen, "Confirm Your Email")
        expect(screen.get_by_label("Password", exact=True)).to_be_visible()
    assert sent == []
    screen.get_by_label("Password", exact=True).fill("not the password")
    submit(screen, "Confirm Email")
    expect(screen.locator("#current-password-error")).to_have_text("The password is not correct.")
    screen.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(screen, "Confirm Email")
    heading(screen, "Email Confirmed")
    screen.goto("about:blank")
    screen.goto(link)
    heading(screen, "Email Confirmed")


@pytest.mark.slow
def test_78_a_session_of_the_account_confirms_without_a_password(screen: Page, site: Site) -> None:
    address = site.registered()
    stub_account_page(screen)
    log_in(screen, address)
    screen.goto(site.link(address, "/verify-email"))
    expect(screen.locator("#verify-text")).to_contain_text("is your address")
    expect(screen.get_by_label("Password", exact=True)).to_be_hidden()
    submit(screen, "Confirm Email")
    heading(screen, "Email Confirmed")


@pytest.mark.slow
def test_78_reject_link_erases_the_account(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto(site.link(address, "/verify-email"))
    screen.get_by_role("link", name="I did not sign up").click()
    submit(screen, "Delete the Account")
    heading(screen, "Account Deleted")
    body = {"email": address, "password": PASSWORD}
    assert site.server.call("POST", "/auth/login", body)[1]["code"] == "invalid_credentials"
