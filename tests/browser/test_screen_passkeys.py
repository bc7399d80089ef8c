"""Passkeys on the pages, with Chromium's virtual authenticator."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screen_factors import log_out
from tests.support.screen_steps import fill_login, submit
from tests.support.screens import Site, log_in


class VirtualAuthenticator:
    """A platform authenticator of this page's browser. It answers while `is_present`."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
        options = kind | {"hasUserVerification": True, "isUserVerified": True}
        made = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._name = {"authenticatorId": str(made["authenticatorId"])}

    def present(self, is_present: bool) -> None:
        how = self._name | {"enabled": is_present}
        self._session.send("WebAuthn.setAutomaticPresenceSimulation", how)

    def verified(self, is_verified: bool) -> None:
        self._session.send("WebAuthn.setUserVerified", self._name | {"isUserVerified": is_verified})


@pytest.fixture
def authenticator(screen: Page) -> VirtualAuthenticator:
    """Return an authenticator with conditional mediation off, so that no passkey is offered in fields."""
    screen.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    return VirtualAuthenticator(screen)


@pytest.fixture
def address(screen: Page, site: Site) -> str:
    found = site.registered()
    log_in(screen, found)
    return found


def add_passkey(page: Page, authenticator: VirtualAuthenticator, name: str = "My Laptop") -> None:
    authenticator.present(True)
    page.goto("/account/two-factor")
    page.locator("#passkey-name").fill(name)
    submit(page, "Add a Passkey")


def finish_codes(page: Page, authenticator: VirtualAuthenticator) -> list[str]:
    expect(page.locator("#codes-title")).to_be_focused()
    found = page.locator("#codes code").all_inner_texts()
    page.get_by_label("I have saved these codes").check()
    submit(page, "Finish")
    expect(page.locator("#passkeys")).to_be_visible()
    authenticator.present(False)
    return found


def choose_passkey(page: Page, authenticator: VirtualAuthenticator) -> None:
    """Make the user present, and press the button."""
    authenticator.present(True)
    submit(page, "Use a Passkey")


def test_passkey_is_added_and_logs_in_alone(
    screen: Page, address: str, authenticator: VirtualAuthenticator
) -> None:
    add_passkey(screen, authenticator)
    assert len(finish_codes(screen, authenticator)) == 10
    expect(screen.get_by_role("heading", name="My Laptop")).to_be_visible()
    expect(screen.locator("#left")).to_have_text("10 left")
    log_out(screen)
    choose_passkey(screen, authenticator)
    screen.wait_for_url("**/account")
    screen.goto("/account/two-factor")
    submit(screen, "Remove My Laptop")
    submit(screen, "Remove Passkey")
    expect(screen.locator("#passkeys-title")).to_be_focused()
    expect(screen.locator("#passkey-list li")).to_have_count(0)
    expect(screen.locator("#recovery")).to_be_hidden()
    log_out(screen)
    log_in(screen, address)


@pytest.mark.slow
def test_address_field_offers_the_passkey(screen: Page, address: str) -> None:
    authenticator = VirtualAuthenticator(screen)
    add_passkey(screen, authenticator)
    finish_codes(screen, authenticator)
    screen.goto("/account")
    authenticator.present(True)  # as if it were chosen in the list at once
    with screen.expect_navigation(url="**/login?**"):
        submit(screen, "Log Out")
    screen.wait_for_url("**/account")
    expect(screen.locator("#email-shown")).to_have_text(address)


@pytest.mark.slow
def test_passkey_replaces_recovery_codes(
    screen: Page, address: str, authenticator: VirtualAuthenticator
) -> None:
    assert address
    add_passkey(screen, authenticator)
    old = finish_codes(screen, authenticator)
    submit(screen, "Make New Codes")
    authenticator.present(True)
    screen.get_by_role("dialog", name="Enter a Code").get_by_role("button", name="Use a Passkey").click()
    assert not set(finish_codes(screen, authenticator)) & set(old)


@pytest.mark.slow
def test_passkey_completes_the_second_step(
    screen: Page, address: str, authenticator: VirtualAuthenticator
) -> None:
    add_passkey(screen, authenticator)
    finish_codes(screen, authenticator)
    log_out(screen)
    fill_login(screen, address)
    submit(screen, "Log In")
    screen.wait_for_url("**/two-factor")
    choose_passkey(screen, authenticator)
    screen.wait_for_url("**/account")


@pytest.mark.slow
def test_passkey_without_user_verification_stays_on_the_login_page(
    screen: Page, address: str, authenticator: VirtualAuthenticator
) -> None:
    add_passkey(screen, authenticator)
    finish_codes(screen, authenticator)
    log_out(screen)
    authenticator.verified(False)
    choose_passkey(screen, authenticator)
    log_in_again = screen.get_by_role("button", name="Log In")
    expect(log_in_again).to_be_enabled()
    fill_login(screen, address, "not the right one")
    log_in_again.click()
    expect(screen.get_by_role("alert")).to_contain_text("not correct")
