"""Second factors by keyboard alone: TOTP, a recovery code, and a passkey."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screen_passkeys import VirtualAuthenticator, address, authenticator
from tests.support.phone import Phone
from tests.support.screen_steps import reach
from tests.support.service import PASSWORD

__all__ = ["address", "authenticator"]


def press(page: Page, what: str) -> None:
    """Move the focus to this element and press Enter."""
    reach(page, what)
    page.keyboard.press("Enter")


def to_two_factor(page: Page) -> None:
    press(page, "/account/two-factor")
    page.wait_for_url("**/account/two-factor")
    expect(page.locator("#passkeys")).to_be_visible()


def log_out(page: Page) -> None:
    press(page, "Log Out")
    page.wait_for_url("**/login?**")
    expect(page.locator("#passkey")).to_be_visible()


def enter_password(page: Page, address: str) -> None:
    reach(page, "email")
    page.keyboard.type(address)
    reach(page, "current-password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/two-factor")
    expect(page.locator("#code")).to_be_focused()


def switch_on(page: Page) -> tuple[Phone, list[str]]:
    press(page, "set-up")
    expect(page.get_by_role("heading", name="Scan This Code")).to_be_focused()
    phone = Phone(page.locator("#key").inner_text())
    reach(page, "code")
    page.keyboard.type(phone.code())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recovery Codes", exact=True)).to_be_focused()
    recovery = page.locator("#codes code").all_inner_texts()
    reach(page, "saved")
    page.keyboard.press("Space")
    press(page, "Finish")
    expect(page.locator("#factor-on")).to_be_focused()
    return phone, recovery


@pytest.mark.slow
def test_totp_recovery_code_and_passkey_by_keyboard_alone(
    screen: Page, address: str, authenticator: VirtualAuthenticator
) -> None:
    """No mouse is used from the account's first page on."""
    keys = screen.keyboard
    to_two_factor(screen)
    phone, recovery = switch_on(screen)

    log_out(screen)
    enter_password(screen, address)
    keys.type(phone.code())
    keys.press("Enter")
    screen.wait_for_url("**/account")

    log_out(screen)
    enter_password(screen, address)
    press(screen, "other-way")
    expect(screen.locator("#recovery-code")).to_be_focused()
    keys.type(recovery[0])
    keys.press("Enter")
    screen.wait_for_url("**/account")

    to_two_factor(screen)
    expect(screen.locator("#left")).to_have_text("9 left")
    authenticator.present(True)
    reach(screen, "passkey-name")
    keys.type("A key")
    keys.press("Enter")
    expect(screen.get_by_role("heading", name="A key")).to_be_visible()
    authenticator.present(False)

    log_out(screen)
    authenticator.present(True)
    press(screen, "passkey")
    screen.wait_for_url("**/account")
    expect(screen.locator("#email-shown")).to_have_text(address)
