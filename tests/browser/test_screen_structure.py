"""Names, attributes and structure of the pages."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from tests.support.account_screen_styles import EMAIL
from tests.support.memory_apps import memory_app
from tests.support.screen_styles import (
    ACCOUNT_PAGES,
    OPEN_PAGES,
    STATES,
    metered,
    reset_form,
)

BROWSES = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def attributes(page: Page, selector: str, **expected: str) -> None:
    for name, value in expected.items():
        expect(page.locator(selector)).to_have_attribute(name, value)


def test_28_attributes_of_the_login_form(screen: Page) -> None:
    screen.goto("/login")
    attributes(
        screen, "#email", type="email", autocomplete="username webauthn", inputmode="email", name="email"
    )
    attributes(screen, "#email", autocapitalize="none", spellcheck="false", enterkeyhint="next", required="")
    attributes(screen, "#current-password", type="password", autocomplete="current-password", name="password")
    attributes(screen, "#current-password", spellcheck="false", autocapitalize="none", required="")
    attributes(screen, "#remember", name="remember", value="1")
    expect(screen.get_by_label("Remember me")).not_to_be_checked()
    attributes(screen, "#login-form", method="post", action="/login")


@pytest.mark.slow
def test_29_attributes_of_the_sign_up_form(screen: Page) -> None:
    ids: dict[str, set[str]] = {}
    for path in ("/login", "/signup"):
        screen.goto(path)
        passwords = screen.locator("input[type=password]").all()
        ids[path] = {field.get_attribute("id") or "" for field in passwords}
        kind = "current-password" if path == "/login" else "new-password"
        for field in passwords:
            expect(field).to_have_attribute("autocomplete", kind)
            assert field.get_attribute("maxlength") is None
    assert len(ids["/signup"]) == 2
    assert not ids["/login"] & ids["/signup"]


@pytest.mark.slow
def test_30_reset_form_names_the_user_for_password_managers(screen: Page) -> None:
    reset_form(screen)
    attributes(screen, "#username", autocomplete="username", tabindex="-1", **{"aria-hidden": "true"})
    expect(screen.locator("#username")).to_have_value(EMAIL)
    order = screen.locator("#reset-form input").evaluate_all(
        "(all) => all.map((input) => input.autocomplete)"
    )
    assert order == ["username", "new-password", "new-password"]


@pytest.mark.slow
@pytest.mark.parametrize("state", ["login", "signup", "reset", "verify-password"])
def test_31_and_32_password_toggles(screen: Page, state: str) -> None:
    STATES[state](screen)
    toggles = screen.locator(".pw__toggle").all()
    names = [toggle.get_attribute("aria-label") for toggle in toggles]
    assert len(set(names)) == len(names) == screen.locator("input[type=password]").count()
    for toggle, name in zip(toggles, names, strict=True):
        assert name
        assert (toggle.get_attribute("type"), toggle.get_attribute("aria-pressed")) == ("button", "false")
        field = screen.locator(f"input#{toggle.get_attribute('aria-controls')}")
        expect(field).to_have_attribute("type", "password")
        toggle.click()
        expect(toggle).to_have_accessible_name(name)
        expect(toggle).to_have_attribute("aria-pressed", "true")
        expect(field).to_have_attribute("type", "text")
    if state == "signup":
        assert names == ["Show password", "Show confirmed password"]


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    """Return a client of an app in memory; these pages run no query."""
    with memory_app() as app:
        yield app.test_client()


@pytest.mark.parametrize("path", [*OPEN_PAGES, *ACCOUNT_PAGES])
def test_33_the_live_regions_are_served_empty(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=BROWSES).get_data(as_text=True)
    for name, role in {"status": "status", "form-error": "alert"}.items():
        # Templates hold the same form once more; nothing in them is part of the page yet.
        shown = re.sub(r"<template.*?</template>", "", page, flags=re.DOTALL)
        (tag,) = re.findall(rf'<div([^>]*\bid="{name}"[^>]*)></div>', shown)
        assert f'role="{role}"' in tag
        assert 'aria-atomic="true"' in tag
        assert "hidden" not in tag.replace("visually-hidden", "")


def test_33_live_regions_are_exposed_to_screen_readers(screen: Page) -> None:
    for path in OPEN_PAGES:
        screen.goto(path)
        for name in ("status", "form-error"):
            shown = screen.locator(f"#{name}").evaluate_all(
                "(all) => all.map((n) => getComputedStyle(n).display)"
            )
            assert "none" not in shown, path
            # The form of some pages has been replaced.
            assert shown or path in {"/reset", "/verify-email", "/logout", *OPEN_PAGES[8:12]}, path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "steps", "word"),
    [(0, 1, "Weak"), (1, 1, "Weak"), (2, 2, "Medium"), (3, 3, "Strong"), (4, 4, "Very strong")],
)
def test_37_password_meter_values_and_bars(screen: Page, score: int, steps: int, word: str) -> None:
    metered(score, screen)
    meter = screen.get_by_role("meter", name="Password strength")
    expect(meter).to_have_attribute("aria-valuenow", str(steps))
    expect(meter).to_have_attribute("aria-valuetext", f"Password strength: {word}")
    attributes(screen, "[role=meter]", **{"aria-valuemin": "0", "aria-valuemax": "4"})
    expect(screen.locator(".meter__word")).to_have_text(word)
    track = "rgb(226, 232, 240)"
    bars = meter.locator("i").evaluate_all("(all) => all.map((bar) => getComputedStyle(bar).backgroundColor)")
    assert [bar != track for bar in bars] == [number < steps for number in range(4)]


@pytest.mark.parametrize("path", [*OPEN_PAGES, *ACCOUNT_PAGES])
def test_38_pages_have_no_inline_code_and_no_external_resource(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=BROWSES)
    page = answer.get_data(as_text=True)
    assert answer.mimetype == "text/html"
    tags = re.findall(r"<[a-z][^>]*>", page)
    assert len(tags) > 20
    for tag in tags:
        assert not re.match(r"<script(?![^>]*\ssrc=)|<style|<iframe|<object|<base", tag), tag
        assert not re.search(r"\s(style|on\w+)\s*=", tag), tag
        for target in re.findall(r'\s(?:src|href|action|formaction)="([^"]*)"', tag):
            assert re.match(r"/(?!/)|#", target), tag
            if target.startswith("/assets/"):
                assert client.get(target).status_code == 200, target


def test_39_labels_are_those_of_the_design(screen: Page) -> None:
    screen.goto("/login")
    for role, name in (("heading", "Log In"), ("button", "Log In"), ("link", "Forgot Password?")):
        expect(screen.get_by_role(role, name=name, exact=True)).to_be_visible()  # type: ignore[arg-type]
    expect(screen.get_by_label("Remember me", exact=True)).to_be_visible()
    screen.get_by_role("link", name="Sign Up", exact=True).click()
    for role in ("heading", "button"):
        expect(screen.get_by_role(role, name="Sign Up", exact=True)).to_be_visible()  # type: ignore[arg-type]
    expect(screen.get_by_label("Confirm Password", exact=True)).to_be_visible()
    words = "I agree to the Terms & Conditions and Privacy Policy"
    expect(screen.get_by_label(words, exact=True)).to_be_visible()
    screen.goto("/forgot")
    expect(screen.get_by_role("heading", name="Forgot Your Password?", exact=True)).to_be_visible()
    expect(screen.get_by_role("button", name="Send Reset Link", exact=True)).to_be_visible()
    expect(screen.get_by_role("link", name="Back to Login", exact=True)).to_be_visible()
