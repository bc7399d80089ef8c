"""Second factors after a restart of the server."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.test_screen_factors import first_step, log_out, switch_on
from tests.browser.test_screen_passkeys import (
    VirtualAuthenticator,
    add_passkey,
    address,
    authenticator,
    choose_passkey,
    finish_codes,
)
from tests.support.screen_steps import held, submit, waits
from tests.support.screens import Site
from tests.support.server import Server, free_port, serving
from tests.support.service import PASSWORD

__all__ = ["address", "authenticator"]
pytestmark = pytest.mark.slow


@dataclass
class RestartableSite(Site):
    """A site that can be restarted: port, origin, keys and database stay the same."""

    start: Callable[[], AbstractContextManager[Server]]
    running: ExitStack

    def restart(self) -> None:
        before = self.server
        assert before.stop() == 0
        self.server = self.running.enter_context(self.start())
        assert self.server.url == before.url

    def methods(self, address: str) -> list[str]:
        """Return the second-factor methods that a login with the password offers."""
        status, asked = self.server.call("POST", "/auth/login", {"username": address, "password": PASSWORD})
        assert (status, asked["code"]) == (401, "second_factor_required")
        assert "access_token" not in asked
        return list(asked["methods"])


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path) -> Iterator[RestartableSite]:
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    mails = tmp_path / "mail"
    settings = {name: secrets.token_urlsafe(48) for name in ("FLASK_SECRET_KEY", "JWT_SECRET_KEY")}
    settings |= {"RATE_LIMIT_ENABLED": "false", "PASSWORD_HASH_METHOD": "scrypt:256:8:1"}
    settings |= {"PORT": str(free_port()), "MAIL_URL": f"file:{mails}"}
    start = partial(serving, f"sqlite:///{tmp_path / 'auth.db'}", tmp_path, **settings)
    with ExitStack() as running:
        yield RestartableSite(running.enter_context(start()), mails, start, running)


@pytest.mark.nightly
def test_passkey_logs_in_after_restart(
    screen: Page, site: RestartableSite, address: str, authenticator: VirtualAuthenticator
) -> None:
    add_passkey(screen, authenticator)
    finish_codes(screen, authenticator)
    log_out(screen)
    site.restart()
    assert site.methods(address) == ["passkey", "recovery_code"]
    choose_passkey(screen, authenticator)
    screen.wait_for_url("**/account")


def test_passkey_challenge_survives_a_restart(
    screen: Page, site: RestartableSite, address: str, authenticator: VirtualAuthenticator
) -> None:
    """The browser has signed the challenge; its response reaches the new process."""
    add_passkey(screen, authenticator)
    finish_codes(screen, authenticator)
    log_out(screen)
    with held(screen, "/auth/login/passkey") as answers:
        choose_passkey(screen, authenticator)
        waits(screen, answers)
        site.restart()
        answers[0].continue_()
        screen.wait_for_url("**/account")


@pytest.mark.nightly
def test_totp_completes_a_login_begun_before_restart(
    screen: Page, site: RestartableSite, address: str
) -> None:
    phone, _ = switch_on(screen)
    log_out(screen)
    first_step(screen, address)
    site.restart()
    assert site.methods(address) == ["totp", "recovery_code"]
    screen.locator("#code").fill(phone.code())
    submit(screen, "Log In")
    screen.wait_for_url("**/account")
