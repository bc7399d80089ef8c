"""Passwordless accounts, renamed passkeys, and operator resets of second factors, on the pages."""

import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screen_factors import log_out, switch_on
from tests.browser.test_screen_passkeys import (
    VirtualAuthenticator,
    add_passkey,
    address,
    authenticator,
    choose_passkey,
    finish_codes,
)
from tests.support.screen_steps import alerted, fill_login, submit
from tests.support.screens import Site, log_in
from tests.support.server import ROOT, environment
from tests.support.service import PASSWORD

__all__ = ["address", "authenticator"]
NEW = "marble-lantern-orchard-58"


def test_the_password_is_removed_and_set_again_by_mail(
    screen: Page, site: Site, authenticator: VirtualAuthenticator
) -> None:
    address = site.registered(confirmed=True)
    log_in(screen, address)
    screen.goto("/account/security")
    expect(screen.get_by_role("button", name="Save New Password")).to_be_visible()
    expect(screen.locator("#without")).to_be_hidden()
    add_passkey(screen, authenticator)
    finish_codes(screen, authenticator)
    screen.goto("/account/security")
    submit(screen, "Remove Password")
    dialog = screen.get_by_role("dialog", name="Remove Your Password?")
    dialog.get_by_role("button", name="Remove Password").click()
    expect(screen.locator("#removed")).to_be_focused()
    expect(screen.locator("#password-form")).to_be_hidden()

    log_out(screen)
    fill_login(screen, address)
    submit(screen, "Log In")
    alerted(screen, "The email address or password is not correct.")
    choose_passkey(screen, authenticator)
    screen.wait_for_url("**/account")

    screen.goto("/account/security")
    submit(screen, "Send Link")
    expect(screen.locator("#link-sent")).to_contain_text(address)
    expect(screen.locator("#link-sent")).to_be_focused()
    screen.goto(site.link(address, "/reset"))
    screen.locator("#new-password").fill(NEW)
    screen.locator("#confirm-password").fill(NEW)
    submit(screen, "Save New Password")
    screen.wait_for_url("**/reset/done")
    screen.goto("/login")
    fill_login(screen, address, NEW)
    submit(screen, "Log In")
    screen.wait_for_url("**/two-factor")


@pytest.mark.slow
def test_a_passkey_is_renamed(screen: Page, address: str, authenticator: VirtualAuthenticator) -> None:
    assert address
    add_passkey(screen, authenticator)
    finish_codes(screen, authenticator)
    submit(screen, "Rename My Laptop")
    dialog = screen.get_by_role("dialog", name="Rename Passkey")
    field = dialog.get_by_label("Name", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_value("My Laptop")
    field.fill("n" * 81)
    submit(screen, "Save Name")
    expect(dialog.locator("#passkey-new-name-error")).to_have_text("Use a name of 80 characters at most")
    field.fill(" The old one ")
    submit(screen, "Save Name")
    expect(screen.get_by_role("heading", name="The old one")).to_be_visible()
    expect(screen.locator("#passkeys-title")).to_be_focused()
    submit(screen, "Rename The old one")
    dialog.get_by_role("button", name="Cancel").click()
    expect(screen.get_by_role("button", name="Rename The old one")).to_be_focused()


def reset_factors(site: Site, address: str) -> None:
    """Run `flask auth reset-factors` beside the service."""
    folder = site.server.log.parent
    settings = environment(f"sqlite:///{folder / 'auth.db'}", site.server.port, MAIL_URL=f"file:{site.mails}")
    command = [sys.executable, "-m", "flask", "--app", "app", "auth", "reset-factors", address]
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/account",
        *(
            pytest.param(path, marks=pytest.mark.nightly)
            for path in ("/account/two-factor", "/account/devices")
        ),
    ],
)
def test_any_device_can_stop_a_factor_reset(screen: Page, site: Site, address: str, path: str) -> None:
    switch_on(screen)
    reset_factors(site, address)
    screen.goto(path)
    warning = screen.locator("#factors-reset")
    expect(warning).to_contain_text("A person who runs this service has asked to remove your second factors.")
    submit(screen, "Keep Them")
    expect(screen.locator("#factors-kept")).to_be_focused()
    expect(warning).to_be_hidden()
    screen.reload()
    expect(screen.get_by_role("heading", level=1)).to_be_visible()
    expect(screen.locator("input[autocomplete=username]").first).to_have_value(address)
    expect(warning).to_be_hidden()
    log_out(screen)
    fill_login(screen, address, PASSWORD)
    submit(screen, "Log In")
    screen.wait_for_url("**/two-factor")
