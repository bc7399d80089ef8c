"""Keyboard, focus and announcements. The number in a test's name is that of the list of checks."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.screen_steps import (
    ERROR_IN_LOGIN,
    WHERE,
    alerted,
    answer,
    calls,
    fill_login,
    fill_signup,
    held,
    score,
    submit,
    waits,
)
from tests.support.screens import Site, said
from tests.support.service import PASSWORD

STOPS = [
    "email",
    "current-password",
    "Show password",
    "remember",
    "forgot-link",
    "Log In",
    "passkey",
    "/signup",
]


def walk(page: Page, key: str, steps: int) -> list[str]:
    found = []
    for _ in range(steps):
        page.keyboard.press(key)
        found.append(str(page.evaluate(WHERE)))
    return found


def test_40_tab_order_of_the_login_page_is_visual(screen: Page) -> None:
    screen.goto("/login")
    screen.get_by_label("Email Address").focus()
    foot = ["language", "language-apply", "scheme", "contrast"]
    rest = [*STOPS[1:], *foot]
    assert walk(screen, "Tab", len(rest)) == rest
    assert walk(screen, "Shift+Tab", len(rest)) == [*STOPS, *foot][-2::-1]


@pytest.mark.slow
def test_40_no_keyboard_trap(screen: Page) -> None:
    screen.goto("/login")
    way = walk(screen, "Tab", 30)
    assert way.count("email") >= 2
    assert all(here != then for here, then in pairwise(way))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/login", "/signup", "/forgot"])
def test_41_no_field_is_focused_on_load(screen: Page, path: str) -> None:
    screen.goto(path)
    assert screen.evaluate("document.activeElement === document.body")


def test_42_empty_login_focuses_the_first_error_and_sends_nothing(screen: Page) -> None:
    sent = calls(screen, "/auth/login")
    screen.goto("/login")
    submit(screen, "Log In")
    email = screen.get_by_label("Email Address")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description("Enter your email address")
    expect(screen.get_by_label("Password", exact=True)).to_have_accessible_description("Enter your password")
    expect(screen).to_have_title(ERROR_IN_LOGIN)
    assert sent == []


@pytest.mark.slow
def test_48_toggle_shows_and_hides_the_password_and_announces_it(screen: Page) -> None:
    screen.goto("/login")
    password = screen.get_by_label("Password", exact=True)
    toggle = screen.get_by_role("button", name="Show password")
    password.fill(PASSWORD)
    password.evaluate("node => node.setSelectionRange(3, 5)")
    for kind, pressed, words in (
        ("text", "true", "Your password is visible"),
        ("password", "false", "Your password is hidden"),
    ):
        toggle.focus()
        screen.keyboard.press("Space")
        expect(password).to_have_attribute("type", kind)
        expect(toggle).to_have_attribute("aria-pressed", pressed)
        expect(password).to_have_value(PASSWORD)
        assert password.evaluate("node => [node.selectionStart, node.selectionEnd]") == [3, 5]
        assert ["status", words] in said(screen)


@pytest.mark.slow
def test_49_visible_password_is_hidden_before_submit(screen: Page) -> None:
    screen.add_init_script("""
      const real = window.fetch;
      window.fetch = (...all) => {
        window.__kind = document.getElementById("current-password").type;
        return real(...all);
      };
    """)
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    submit(screen, "Show password")
    expect(screen.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    submit(screen, "Log In")
    alerted(screen, "The email address or password is not correct.")
    assert screen.evaluate("window.__kind") == "password"
    expect(screen.get_by_role("button", name="Show password")).to_have_attribute("aria-pressed", "false")


@pytest.mark.slow
def test_50_slow_response_is_shown_and_announced(screen: Page) -> None:
    screen.clock.install()
    screen.goto("/login")
    button = screen.get_by_role("button", name="Log In", exact=True)
    fill_login(screen, "unknown@example.com")
    with held(screen, "/auth/login") as routes:
        button.click()
        waits(screen, routes)
        expect(button).to_have_attribute("aria-busy", "true")
        expect(button).to_be_focused()
        expect(button.locator(".icon--loader-circle")).to_be_visible()
        expect(screen.get_by_label("Email Address")).to_be_enabled()
        screen.clock.run_for(1_000)
        expect(screen.get_by_role("status")).to_have_text("Logging in")
        screen.clock.run_for(9_500)
        expect(screen.get_by_role("status")).to_have_text("This is taking longer than usual.")
        routes[0].fulfill(status=401, json={"code": "invalid_credentials"})
        alerted(screen, "The email address or password is not correct.")
    expect(button).not_to_have_attribute("aria-busy", "true")
    expect(button.locator(".icon--loader-circle")).to_have_count(0)
    expect(screen.get_by_role("status")).to_be_empty()


@pytest.mark.slow
def test_50_quick_response_is_not_announced(screen: Page) -> None:
    screen.clock.install()
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    answer(screen, "/auth/login", 401, {"code": "invalid_credentials"})
    submit(screen, "Log In")
    alerted(screen, "The email address or password is not correct.")
    screen.clock.run_for(30_000)
    assert [role for role, _ in said(screen)] == ["alert"]


def test_53_refused_login_is_announced_and_focuses_the_password(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto("/login")
    fill_login(screen, address, "not the password")
    submit(screen, "Log In")
    words = "The email address or password is not correct."
    alerted(screen, words)
    assert ["alert", words] in said(screen)
    password = screen.get_by_label("Password", exact=True)
    expect(password).to_be_focused()
    expect(password).to_have_value("")
    expect(password).to_have_accessible_description(words)
    expect(screen.get_by_label("Email Address")).to_have_value(address)
    expect(screen).to_have_title(ERROR_IN_LOGIN)


@pytest.mark.slow
@pytest.mark.parametrize(("password", "bars", "word"), [
    ("password", 1, "Weak"),
    ("violet-harbor-teapot-92", 4, "Very strong"),
])  # fmt: skip
def test_58_password_meter_shows_the_servers_score(screen: Page, password: str, bars: int, word: str) -> None:
    screen.goto("/signup")
    meter = screen.get_by_role("meter", name="Password strength")
    screen.get_by_label("Password", exact=True).fill(password)
    expect(meter).to_have_attribute("aria-valuenow", str(bars))
    expect(meter).to_have_attribute("aria-valuetext", f"Password strength: {word}")
    expect(screen.locator(".meter__word")).to_have_text(word)
    screen.get_by_label("Password", exact=True).fill("")
    expect(meter).to_have_attribute("aria-valuenow", "0")
    expect(screen.locator(".meter__word")).to_be_empty()


@pytest.mark.slow
def test_59_password_meter_is_debounced(screen: Page) -> None:
    score(screen, 2)
    asked = calls(screen, "/auth/password/strength")
    screen.clock.install()
    screen.goto("/signup")
    screen.clock.pause_at(screen.evaluate("Date.now()") + 1_000)
    screen.get_by_label("Password", exact=True).focus()
    for key in "violet-harbor-teapot":
        screen.keyboard.press(key)
        screen.clock.run_for(30)
    screen.clock.run_for(400)
    expect(screen.locator(".meter__word")).to_have_text("Medium")
    screen.clock.run_for(2_000)
    screen.keyboard.press("9")
    screen.clock.run_for(400)
    expect(screen.locator(".meter__word")).to_have_text("Medium")
    screen.clock.run_for(2_000)
    assert 1 <= len(asked) <= 3
    spoken: list[Any] = [words for role, words in said(screen) if role == "status"]
    assert spoken == ["Password strength: Medium"]


@pytest.mark.slow
def test_59_only_the_final_score_is_announced(screen: Page) -> None:
    screen.clock.install()
    screen.goto("/signup")
    screen.clock.pause_at(screen.evaluate("Date.now()") + 1_000)
    screen.get_by_label("Password", exact=True).press_sequentially("violet-")
    for steps, word in ((1, "Weak"), (2, "Medium"), (3, "Strong")):
        score(screen, steps)
        screen.get_by_label("Password", exact=True).press_sequentially("x")
        screen.clock.run_for(400)
        expect(screen.locator(".meter__word")).to_have_text(word)
        screen.clock.run_for(300)
    screen.clock.run_for(2_000)
    assert said(screen) == [["status", "Password strength: Strong"]]


@pytest.mark.slow
def test_59_a_late_answer_about_an_older_password_is_ignored(screen: Page) -> None:
    screen.clock.install()
    screen.goto("/signup")
    password = screen.get_by_label("Password", exact=True)
    with held(screen, "/auth/password/strength") as routes:
        password.fill("violet-harbor")
        screen.clock.run_for(400)
        waits(screen, routes)
        password.fill("")
        routes[0].fulfill(json={"score": 4, "warning": "", "suggestions": [], "acceptable": True})
        password.fill("teapot-harbor")
        screen.clock.run_for(400)
        waits(screen, routes, 2)
        expect(screen.locator(".meter__word")).to_be_empty()
        expect(screen.locator(".meter__help")).to_be_empty()  # an aborted call is no failure
        routes[1].fulfill(json={"score": 0, "warning": "", "suggestions": [], "acceptable": False})
        expect(screen.locator(".meter__word")).to_have_text("Weak")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["refused", "aborted"])
def test_61_form_works_without_the_password_meter(screen: Page, how: str) -> None:
    refused = how == "refused"
    path = "**/auth/password/strength"
    screen.route(path, lambda route: route.fulfill(status=429, json={}) if refused else route.abort())
    answer(screen, "/auth/register", 201)
    screen.goto("/signup")
    fill_signup(screen, "unmeasured@example.com")
    expect(screen.locator(".meter__help")).to_have_text("Strength cannot be shown now")
    expect(screen.locator("#new-password-hint")).to_be_visible()
    submit(screen, "Sign Up")
    screen.wait_for_url("**/signup/sent")
