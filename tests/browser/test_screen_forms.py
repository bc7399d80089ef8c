"""Forms: when errors appear, what is sent and how often, and how failures are shown."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.screen_steps import (
    alerted,
    answer,
    calls,
    fill_login,
    fill_signup,
    held,
    restored,
    score,
    stub_account_page,
    submit,
    waits,
)
from tests.support.screens import Site, said
from tests.support.service import PASSWORD

FORMAT = "Enter an email address in the correct format, like name@example.com"
TERMS = "Agree to the Terms & Conditions and Privacy Policy to create an account"
NETWORK = "We could not reach the server. Check your connection and try again."


@pytest.fixture
def form(screen: Page) -> Page:
    """Return the sign-up page, with a stubbed password meter."""
    score(screen)
    screen.goto("/signup")
    return screen


@pytest.mark.slow
def test_43_address_is_validated_on_blur_and_while_being_corrected(screen: Page) -> None:
    screen.goto("/login")
    email = screen.get_by_label("Email Address")
    fault = screen.locator("#email-error")
    email.focus()
    email.blur()
    expect(fault).to_be_empty()
    email.press_sequentially("bad")
    expect(fault).to_be_empty()
    email.blur()
    expect(fault).to_have_text(FORMAT)
    email.press_sequentially("@example.com")
    expect(email).to_be_focused()
    expect(fault).to_be_empty()
    expect(email).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.slow
def test_44_password_mismatch_is_reported_on_blur(form: Page) -> None:
    fill_login(form, "newcomer@example.com")
    confirm = form.get_by_label("Confirm Password")
    fault = form.locator("#confirm-password-error")
    confirm.fill(f"{PASSWORD}!")
    expect(fault).to_be_empty()
    confirm.blur()
    expect(fault).to_have_text("The passwords do not match")
    form.get_by_label("Password", exact=True).fill(f"{PASSWORD}!")
    expect(fault).to_be_empty()
    expect(confirm).not_to_have_attribute("aria-invalid", "true")


def test_45_submit_without_terms_explains_the_checkbox(form: Page) -> None:
    sent = calls(form, "/auth/register")
    fill_signup(form, "newcomer@example.com", terms=False)
    button = form.get_by_role("button", name="Sign Up")
    expect(button).to_be_disabled()
    form.get_by_label("I agree to").focus()
    while form.evaluate("document.activeElement.tagName") != "BUTTON":
        form.keyboard.press("Tab")  # past the links in the label
    expect(button).to_be_focused()
    form.keyboard.press("Enter")
    expect(form.get_by_label("I agree to")).to_be_focused()
    expect(form.get_by_label("I agree to")).to_have_accessible_description(TERMS)
    assert sent == []


@pytest.mark.slow
def test_46_submit_button_is_enabled_by_the_terms(form: Page) -> None:
    button = form.get_by_role("button", name="Sign Up")
    terms = form.get_by_label("I agree to")
    expect(button).to_be_disabled()
    expect(button).not_to_have_attribute("disabled", "")
    terms.check()
    expect(button).to_be_enabled()
    terms.uncheck()
    expect(button).to_be_disabled()


@pytest.mark.slow
@pytest.mark.parametrize("field", ["Email Address", "Password", "Confirm Password"])
def test_47_enter_does_not_submit_without_terms(form: Page, field: str) -> None:
    sent = calls(form, "/auth/register")
    fill_signup(form, "newcomer@example.com", terms=False)
    form.get_by_label(field, exact=True).press("Enter")
    expect(form.locator("#terms-error")).to_have_text(TERMS)
    assert sent == []


@pytest.mark.parametrize("how", ["clicks", "keys"])
def test_52_form_submitted_twice_sends_one_request(screen: Page, how: str) -> None:
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    with held(screen, "/auth/login") as routes:
        if how == "clicks":
            screen.get_by_role("button", name="Log In", exact=True).dblclick()
        else:
            screen.get_by_label("Password", exact=True).press("Enter")
            screen.get_by_label("Password", exact=True).press("Enter")
        waits(screen, routes)
        routes[0].fulfill(status=401, json={"code": "invalid_credentials"})
        alerted(screen, "The email address or password is not correct.")
        assert len(routes) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "words"),
    [("90", "Try again in 2 minutes."), ("60", "Try again in 1 minute."), ("1", "Try again in 1 minute.")],
)
def test_55_rate_limit_states_how_long_to_wait(screen: Page, seconds: str, words: str) -> None:
    answer(screen, "/auth/login", 429, {"code": "rate_limited"}, Retry_After=seconds)
    sent = calls(screen, "/auth/login")
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    submit(screen, "Log In")
    alerted(screen, f"Too many attempts. {words}")
    expect(screen.get_by_label("Password", exact=True)).to_have_value(PASSWORD)
    submit(screen, "Log In")
    waits(screen, sent, 2)


def test_56_network_failure_keeps_the_form_values(screen: Page) -> None:
    screen.route("**/auth/login", lambda route: route.abort())
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    submit(screen, "Log In")
    alerted(screen, NETWORK)
    expect(screen.get_by_role("button", name="Log In", exact=True)).not_to_have_attribute("aria-busy", "true")
    expect(screen.get_by_label("Password", exact=True)).to_have_value(PASSWORD)


@pytest.mark.slow
def test_56_request_times_out_after_20_seconds(screen: Page) -> None:
    screen.clock.install()
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    button = screen.get_by_role("button", name="Log In", exact=True)
    with held(screen, "/auth/login") as routes:
        submit(screen, "Log In")
        waits(screen, routes)
        screen.clock.run_for(15_000)
        expect(button).to_have_attribute("aria-busy", "true")
        screen.clock.run_for(6_000)
        alerted(screen, NETWORK)
        expect(button).not_to_have_attribute("aria-busy", "true")
        assert said(screen)[-1] == ["alert", NETWORK]


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 415, 418])
def test_unknown_error_code_shows_the_generic_message(screen: Page, status: int) -> None:
    stranger = {"code": "strange", "message": "<b>SECRET</b>", "fields": {"strange": "SECRET"}}
    answer(screen, "/auth/login", status, stranger)
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    submit(screen, "Log In")
    alerted(screen, "Something went wrong on our side. Try again in a few minutes.")
    expect(screen.locator("body")).not_to_contain_text("SECRET")


@pytest.mark.slow
def test_page_restored_from_cache_is_reset(form: Page) -> None:
    fill_signup(form, "newcomer@example.com")
    with held(form, "/auth/register") as routes:
        submit(form, "Sign Up")
        waits(form, routes)
        submit(form, "Show password")
        expect(form.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
        form.evaluate("document.getElementById('terms').checked = false")  # as browsers put forms back
        restored(form)
        button = form.get_by_role("button", name="Sign Up")
        expect(button).not_to_have_attribute("aria-busy", "true")
        expect(button.locator(".icon--loader-circle")).to_have_count(0)
        expect(button).to_be_disabled()
        expect(form.get_by_label("Password", exact=True)).to_have_attribute("type", "password")
        toggle = form.get_by_role("button", name="Show password")
        expect(toggle).to_have_attribute("aria-pressed", "false")


@pytest.mark.slow
def test_login_page_restored_from_cache_has_no_password(screen: Page) -> None:
    screen.goto("/login")
    fill_login(screen, "unknown@example.com")
    restored(screen)
    expect(screen.get_by_label("Password", exact=True)).to_have_value("")
    expect(screen.get_by_label("Email Address")).to_have_value("unknown@example.com")


@pytest.mark.slow
def test_105_login_autofilled_without_events_is_sent(screen: Page, site: Site) -> None:
    address = site.registered()
    stub_account_page(screen)
    screen.goto("/login")
    for name, value in (("email", address), ("current-password", PASSWORD)):
        screen.eval_on_selector(f"#{name}", "(node, value) => { node.value = value; }", value)
    submit(screen, "Log In")
    screen.wait_for_url("**/account")


@pytest.mark.slow
def test_105_sign_up_autofilled_without_events_is_sent(form: Page) -> None:
    answer(form, "/auth/register", 201)
    sent = calls(form, "/auth/register")
    values = {"email": "filled@example.com", "new-password": PASSWORD, "confirm-password": PASSWORD}
    for name, value in values.items():
        form.eval_on_selector(f"#{name}", "(node, value) => { node.value = value; }", value)
    form.eval_on_selector("#terms", "node => { node.checked = true; }")
    form.get_by_label("Email Address").press("Enter")
    form.wait_for_url("**/signup/sent")
    body: dict[str, Any] = sent[0].post_data_json or {}
    assert body["email"] == "filled@example.com"
    assert body["password"] == PASSWORD
    assert "confirm_password" not in body


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "labels"),
    [("/login", ["Password"]), ("/signup", ["Password", "Confirm Password"])],
)
def test_85_a_password_can_be_pasted(screen: Page, path: str, labels: list[str]) -> None:
    score(screen)
    screen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    screen.goto(path)
    screen.evaluate("(words) => navigator.clipboard.writeText(words)", "violet harbor teapot 92")
    for label in labels:
        field = screen.get_by_label(label, exact=True)
        field.focus()
        screen.keyboard.press("Control+V")
        expect(field).to_have_value("violet harbor teapot 92")
