"""Narrow screens, system preferences, and browsers without JavaScript."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.account_screen_styles import EMAIL
from tests.support.screen_steps import held, waits
from tests.support.screen_styles import ACCOUNT_PAGES, FORM_PAGES, OPEN_PAGES, choose, login_busy
from tests.support.screens import PHONE, Site, log_in, opened, style

SECRET = "a-password-that-must-not-be-told-92"
NEEDS_SCRIPT = "This page needs JavaScript."


@pytest.mark.slow
def test_96_login_button_is_in_the_viewport_on_a_phone(screen: Page) -> None:
    screen.set_viewport_size(PHONE)
    screen.goto("/login")
    expect(screen.get_by_role("button", name="Log In")).to_be_in_viewport(ratio=1)
    assert screen.evaluate("scrollY") == 0


@pytest.mark.slow
def test_97_prefers_contrast_more_is_honoured(screen: Page) -> None:
    screen.emulate_media(contrast="more")
    screen.goto("/login")
    button = screen.locator(".btn--primary")
    expect(button).to_have_css("background-color", "rgb(44, 82, 130)")
    expect(screen.locator("#contrast")).to_have_attribute("aria-pressed", "true")
    with held(screen, "/preferences/contrast") as routes:  # the choice counts before the server has it
        screen.locator("#contrast").click()
        waits(screen, routes)
        expect(button).to_have_css("background-color", "rgb(49, 130, 206)")
        screen.reload()
        expect(button).to_have_css("background-color", "rgb(49, 130, 206)")


@pytest.mark.slow
def test_98_contrast_switch_is_stored_and_rendered(screen: Page, site: Site) -> None:
    screen.goto("/signup")
    screen.get_by_label("Email Address").fill(EMAIL)
    switch = screen.get_by_role("button", name="High contrast")
    for pressed, chosen in (("true", "more"), ("false", "seed")):
        with screen.expect_response("**/preferences/contrast"):
            switch.click()
        expect(switch).to_have_attribute("aria-pressed", pressed)
        expect(screen.get_by_label("Email Address")).to_have_value(EMAIL)
        (cookie,) = [c for c in screen.context.cookies() if c["name"] == "__Host-contrast"]
        assert (cookie["value"], cookie["path"], cookie["sameSite"]) == (chosen, "/", "Lax")
        served = screen.context.request.get("/login").text()
        assert f'<html lang="en" dir="ltr" data-contrast="{chosen}"' in served
        assert f'id="contrast" aria-pressed="{pressed}"' in served
    with screen.expect_response("**/preferences/contrast"):
        switch.click()
    screen.goto("/login")
    expect(screen.locator(".btn--primary")).to_have_css("background-color", "rgb(44, 82, 130)")
    expect(switch).to_have_attribute("aria-pressed", "true")


RUNNING = "document.getAnimations().filter((each) => each.playState === 'running').length"


@pytest.mark.slow
@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_99_prefers_reduced_motion_stops_animations(screen: Page, wish: str) -> None:
    screen.emulate_media(reduced_motion=wish)  # type: ignore[arg-type]
    login_busy(screen)
    assert (screen.evaluate(RUNNING) > 0) == (wish == "no-preference")


@pytest.mark.slow
def test_101_dark_colour_scheme_changes_nothing(screen: Page) -> None:
    screen.emulate_media(color_scheme="dark")
    screen.goto("/login")
    assert style(screen, ".card", "backgroundColor", "colorScheme") == {
        "backgroundColor": "rgb(255, 255, 255)",
        "colorScheme": "light",
    }
    for field in ("#email", "#current-password", "#remember"):
        assert style(screen, field, "backgroundColor")["backgroundColor"] == "rgb(255, 255, 255)"


GROUNDS = {"light": "rgb(247, 250, 252)", "dark": "rgb(18, 22, 31)"}


@pytest.mark.slow
def test_231_scheme_is_shown_at_once_without_a_request_for_the_page(screen: Page) -> None:
    asked: list[str] = []
    screen.goto("/signup")
    screen.get_by_label("Email Address").fill(EMAIL)
    screen.on("request", lambda request: asked.append(urlsplit(request.url).path))
    choice, ground = screen.get_by_label("Appearance"), screen.locator("body")
    expect(choice).to_have_value("light")
    for chosen in ("dark", "light"):
        with screen.expect_response("**/preferences/scheme"):
            choice.select_option(chosen)
        expect(ground).to_have_css("background-color", GROUNDS[chosen])
    screen.emulate_media(color_scheme="dark")
    expect(ground).to_have_css("background-color", GROUNDS["light"])
    choice.select_option("auto")
    expect(ground).to_have_css("background-color", GROUNDS["dark"])
    expect(screen.get_by_label("Email Address")).to_have_value(EMAIL)
    assert "/preferences/scheme" in asked
    assert "/signup" not in asked


@pytest.mark.slow
def test_204_page_is_served_in_the_chosen_scheme(screen: Page, site: Site) -> None:
    choose(screen.context, site.url, scheme="dark")
    screen.goto("/login")
    expect(screen.locator("html")).to_have_attribute("data-scheme", "dark")
    assert style(screen, ".card", "backgroundColor", "colorScheme") == {
        "backgroundColor": "rgb(26, 32, 44)",
        "colorScheme": "dark",
    }
    expect(screen.get_by_label("Appearance")).to_have_value("dark")


@pytest.fixture
def scriptless(browser: Browser, site: Site) -> BrowserContext:
    return browser.new_context(base_url=site.url, java_script_enabled=False)


def test_103_pages_state_that_they_need_javascript(scriptless: BrowserContext) -> None:
    page = scriptless.new_page()
    for path in (*OPEN_PAGES, *ACCOUNT_PAGES):
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        # Pages without a form work without JavaScript.
        if path not in {"/reset/done", "/terms", "/privacy", "/no-such-page"}:
            expect(page.locator("noscript p"), path).to_be_visible()
            expect(page.locator("noscript p"), path).to_contain_text(NEEDS_SCRIPT)
        for gone in (".pw__toggle", ".meter", "#resend-row"):
            assert not any(each.is_visible() for each in page.locator(gone).all()), path
    scriptless.close()


@pytest.mark.slow
@pytest.mark.parametrize("path", FORM_PAGES)
def test_103_form_without_javascript_does_not_leak_the_password(
    scriptless: BrowserContext, site: Site, path: str
) -> None:
    page = scriptless.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path)
    for field in page.locator("main input:not([readonly]):visible").all():
        kind = field.get_attribute("type")
        if kind == "checkbox":
            field.check()
        else:
            field.fill(EMAIL if kind == "email" else SECRET)
    with page.expect_navigation():
        page.locator("main button[type=submit]").click()
    expect(page.get_by_role("heading", name="This Page Needs JavaScript")).to_be_visible()
    assert asked.count(f"{site.url}{path}") == 2
    assert not any(SECRET in url for url in [*asked, page.url])
    assert SECRET not in page.content()
    log = site.server.log.read_text()
    assert f"{path}" in log
    assert SECRET not in log
    scriptless.close()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/login", "/terms"])
def test_103_contrast_switch_works_without_javascript(scriptless: BrowserContext, path: str) -> None:
    page = scriptless.new_page()
    page.goto(path)
    for pressed, scheme in (("true", "more"), ("false", "seed")):
        with page.expect_navigation():
            page.get_by_role("button", name="High contrast").click()
        assert page.url.endswith(path)
        expect(page.locator("html")).to_have_attribute("data-contrast", scheme)
        expect(page.locator("#contrast")).to_have_attribute("aria-pressed", pressed)
    scriptless.close()


@pytest.mark.slow
def test_230_scheme_is_chosen_without_javascript(scriptless: BrowserContext) -> None:
    page = scriptless.new_page()
    page.goto("/terms")
    page.get_by_label("Appearance").select_option("dark")
    with page.expect_navigation():
        page.locator("#scheme-apply").click()
    assert page.url.endswith("/terms")
    expect(page.locator("html")).to_have_attribute("data-scheme", "dark")
    scriptless.close()


def test_103_and_208_logging_out_works_without_script(
    browser: Browser, site: Site, screen: Page, complaints: list[str]
) -> None:
    log_in(screen, site.registered())
    kept = screen.context.storage_state()
    without = browser.new_context(base_url=site.url, java_script_enabled=False, storage_state=kept)
    page = without.new_page()
    page.goto("/account")
    menu = page.locator("#account-menu")
    expect(menu.locator("summary")).to_have_accessible_name("Account menu")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Log Out").click()
    page.wait_for_url("**/login?reason=logged_out")
    expect(page.get_by_text("You have logged out.")).to_be_visible()
    assert not {"__Host-refresh", "__Host-signed-in"} & {cookie["name"] for cookie in without.cookies()}
    without.close()
    again = browser.new_context(
        base_url=site.url, storage_state=kept
    )  # the session is over, not only its cookie
    page = opened(again, complaints)
    page.goto("/account")
    page.wait_for_url(re.compile("/login"))
    again.close()


@pytest.mark.slow
def test_105_values_set_without_events_are_sent(screen: Page) -> None:
    screen.goto("/login")
    screen.evaluate(
        "([email, password]) => { const { elements } = document.getElementById('login-form');"
        " elements.email.value = email; elements.password.value = password;"
        " elements.remember.checked = true; }",
        [EMAIL, SECRET],
    )
    with screen.expect_request("**/auth/login") as asked:
        screen.get_by_role("button", name="Log In").click()
    sent = asked.value.post_data_json or {}
    assert (sent["email"], sent["password"], sent["remember"]) == (EMAIL, SECRET, True)
    expect(screen.locator("#form-error .message")).to_be_visible()


@pytest.mark.slow
def test_forced_colours_keep_borders_of_controls(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url, forced_colors="active")
    page = context.new_page()
    page.goto("/login")
    for selector in ("#email", ".btn--primary", "#remember", ".card"):
        found = style(page, selector, "borderTopStyle", "borderTopWidth")
        assert found["borderTopStyle"] == "solid", selector
        assert float(found["borderTopWidth"].removesuffix("px")) >= 1, selector
    context.close()
