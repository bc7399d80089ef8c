"""Two-factor pages: enable, log in, use recovery codes, disable."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.phone import Phone
from tests.support.screen_steps import alerted, fill_login, heading, submit
from tests.support.screens import Site, log_in

CODE = "6-Digit Code"
WRONG = "That code is not correct. Enter the newest code from your authenticator app."


def switch_on(page: Page) -> tuple[Phone, list[str]]:
    """Enroll TOTP with the displayed key; return the phone and the recovery codes."""
    page.goto("/account/two-factor")
    submit(page, "Set Up")
    expect(page.get_by_role("heading", name="Scan This Code")).to_be_focused()
    phone = Phone(page.locator("#key").inner_text())
    page.locator("#code").fill(phone.code())
    submit(page, "Turn On")
    expect(page.get_by_role("heading", name="Recovery Codes", exact=True)).to_be_focused()
    codes = page.locator("#codes code").all_inner_texts()
    page.get_by_label("I have saved these codes").check()
    submit(page, "Finish")
    expect(page.get_by_text("Two-factor authentication is on.")).to_be_visible()
    return phone, codes


@pytest.fixture
def address(screen: Page, site: Site) -> str:
    """Return the address of an account that is logged in on the screen."""
    found = site.registered()
    log_in(screen, found)
    return found


def log_out(page: Page) -> None:
    page.locator("#logout-form button").click()
    page.wait_for_url("**/login?**")


def first_step(page: Page, address: str) -> None:
    fill_login(page, address)
    submit(page, "Log In")
    page.wait_for_url("**/two-factor")
    heading(page, "Enter Your Code")


@pytest.mark.parametrize("path", ["/two-factor", "/account/two-factor"])
def test_36_the_code_field_is_one_input(screen: Page, site: Site, path: str) -> None:
    if path == "/account/two-factor":
        log_in(screen, site.registered())
    screen.goto(path)
    field = screen.locator("#code")
    if path == "/account/two-factor":
        submit(screen, "Set Up")
    else:
        expect(field).to_be_focused()
    expect(field).to_be_visible()
    wanted = {"inputmode": "numeric", "autocomplete": "one-time-code", "type": "text", "pattern": "[0-9 ]*"}
    assert {name: field.get_attribute(name) for name in wanted} == wanted
    assert field.get_attribute("maxlength") is None


def test_81_totp_enrollment_login_and_recovery_code(screen: Page, site: Site, address: str) -> None:
    screen.goto("/account/two-factor")
    submit(screen, "Set Up")
    picture = screen.get_by_alt_text("QR code for your authenticator app")
    expect(picture).to_be_visible()
    assert picture.evaluate("(node) => node.complete && node.naturalWidth > 100")
    assert str(screen.locator("#open-app").get_attribute("href")).startswith("otpauth://totp/")
    phone = Phone(screen.locator("#key").inner_text())
    screen.locator("#code").fill("000 00")
    submit(screen, "Turn On")
    expect(screen.locator("#code-error")).to_have_text(WRONG)
    expect(screen.locator("#code")).to_be_focused()
    screen.locator("#code").fill(phone.code())
    submit(screen, "Turn On")
    codes = screen.locator("#codes code")
    expect(codes).to_have_count(10)
    recovery = codes.all_inner_texts()
    submit(screen, "Finish")
    expect(screen.locator("#saved-error")).to_have_text("Save the codes first, then tick this box")
    screen.get_by_label("I have saved these codes").check()
    with screen.expect_download() as download:
        submit(screen, "Download Codes")
    assert download.value.path().read_text().split() == recovery
    submit(screen, "Finish")
    expect(screen.locator("#left")).to_have_text("10 left")
    expect(screen.locator("#codes")).to_be_empty()

    log_out(screen)
    first_step(screen, address)
    code = phone.code()
    screen.locator("#code").fill(f" {code[:3]} {code[3:]}")
    submit(screen, "Log In")
    screen.wait_for_url("**/account")

    log_out(screen)
    first_step(screen, address)
    screen.locator("#code").fill(code)
    submit(screen, "Log In")
    expect(screen.locator("#code-error")).to_have_text(WRONG)
    submit(screen, "Use a recovery code instead")
    expect(screen.locator("#recovery-code")).to_be_focused()
    screen.locator("#recovery-code").fill(recovery[0].upper())
    submit(screen, "Log In")
    screen.wait_for_url("**/account")
    screen.goto("/account/two-factor")
    expect(screen.locator("#left")).to_have_text("9 left")

    log_out(screen)
    first_step(screen, address)
    submit(screen, "Use a recovery code instead")
    screen.locator("#recovery-code").fill(recovery[0])
    submit(screen, "Log In")
    words = "This recovery code is not correct, or was already used."
    expect(screen.locator("#recovery-code-error")).to_have_text(words)


@pytest.mark.slow
def test_second_step_leads_to_next_and_trusted_device_skips_it(screen: Page, address: str) -> None:
    phone, _ = switch_on(screen)
    log_out(screen)
    screen.goto("/account/devices")
    screen.wait_for_url("**/login?**")
    first_step(screen, address)
    screen.locator("#code").fill(phone.code())
    screen.get_by_label("Do not ask on this device for 30 days").check()
    submit(screen, "Log In")
    screen.wait_for_url("**/account/devices")
    log_out(screen)
    log_in(screen, address)


@pytest.mark.slow
def test_second_step_without_a_challenge_returns_to_login(screen: Page) -> None:
    screen.goto("/two-factor")
    screen.locator("#code").fill("123456")
    submit(screen, "Log In")
    screen.wait_for_url("**/login?reason=two_factor**")
    expect(screen.get_by_text("The login took too long, or was finished in another tab.")).to_be_visible()


@pytest.mark.slow
def test_new_recovery_codes_and_disabling_totp_require_a_code(screen: Page, address: str) -> None:
    phone, old = switch_on(screen)
    submit(screen, "Make New Codes")
    dialog = screen.get_by_role("dialog", name="Enter a Code")
    expect(dialog.get_by_label(CODE)).to_be_focused()
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.locator("#dialog-code-error")).to_have_text(
        "Enter the 6-digit code from your authenticator app"
    )
    dialog.get_by_label(CODE).fill(phone.code())
    dialog.get_by_role("button", name="Confirm").click()
    expect(screen.get_by_role("heading", name="Recovery Codes", exact=True)).to_be_focused()
    fresh = screen.locator("#codes code").all_inner_texts()
    assert not set(fresh) & set(old)
    screen.get_by_label("I have saved these codes").check()
    submit(screen, "Finish")
    submit(screen, "Turn Off")
    dialog.get_by_role("button", name="Use a recovery code instead").click()
    dialog.get_by_label("Recovery Code").fill(old[0])
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.locator("#dialog-recovery-code-error")).to_contain_text("not correct")
    dialog.get_by_label("Recovery Code").fill(fresh[0])
    dialog.get_by_role("button", name="Confirm").click()
    expect(screen.get_by_role("button", name="Set Up")).to_be_visible()
    log_out(screen)
    log_in(screen, address)


@pytest.mark.slow
def test_enabling_totp_logs_out_other_devices(screen: Page, other: Page, site: Site, address: str) -> None:
    log_in(other, address)
    switch_on(screen)
    other.reload()
    other.wait_for_url("**/login?**")
    fill_login(other, address, "not the right one")
    submit(other, "Log In")
    alerted(other, "The email address or password is not correct.")
    assert other.url.startswith(site.url)
