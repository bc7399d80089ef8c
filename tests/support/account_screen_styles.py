"""The account pages in all of their states, with a stubbed API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.screen_steps import answer, submit
from utils.crypto.totp import qr_svg

EMAIL = "your.name@example.com"
USER = {"id": 1, "username": "your.name", "email": EMAIL, "created_at": "2026-03-01T09:30:00Z"}


def _at(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def _session(name: tuple[str | None, str | None], hours: float, **more: Any) -> dict[str, Any]:
    browser, system = name
    known = {"id": f"session-{hours}", "current": False, "remembered": False, "ip_address": "203.0.113.7"}
    return known | {"browser": browser, "system": system, "last_used_at": _at(hours), "apps": []} | more


def _sessions() -> list[dict[str, Any]]:
    return [
        _session(("Firefox 145", "Ubuntu"), 0, current=True),
        _session(("Mobile Safari 19", "iOS"), 2, remembered=True, ip_address="2001:db8::8a2e:370:7334"),
        _session(("Chrome 146", "Windows"), 50, apps=["Grafana", "Team Wiki"]),
    ]


def _events() -> list[dict[str, Any]]:
    client = {"ip_address": "203.0.113.7", "browser": "Firefox 145", "system": "Ubuntu"}
    texts = ("You logged in.", "You changed your password.", "Your email address was confirmed.")
    return [client | {"at": _at(hours), "event": "x", "text": text} for hours, text in enumerate(texts)]


def me(
    *, reset_in: float | None = None, has_password: bool = True, left: int = 0, **user: Any
) -> dict[str, Any]:
    """Return the stubbed `/auth/me` response."""
    told = {"second_factor_setup_required": False, "recovery_codes_left": left, "has_password": has_password}
    due = None if reset_in is None else _at(-reset_in)
    return told | {"user": USER | user, "auth_time": _at(0), "factors_reset_at": due}


def signed_in(page: Page, *, confirmed: bool = True, sessions: list[dict[str, Any]] | None = None) -> None:
    """Make the pages believe that a user is logged in."""
    answer(page, "/auth/refresh", 200, {"access_token": "a.b.c", "expires_in": 3600})
    answer(page, "/auth/me", 200, me(email_verified=confirmed))
    answer(page, "/auth/sessions", 200, {"sessions": _sessions() if sessions is None else sessions})
    answer(page, "/auth/totp", 200, {"enabled_since": None})
    answer(page, "/auth/passkeys", 200, {"passkeys": []})
    answer(page, "/auth/apps", 200, {"apps": []})
    answer(page, "/auth/tokens", 200, {"tokens": [], "permissions": []})
    answer(page, "/auth/me/activity?limit=100", 200, {"events": _events(), "next_cursor": "AAAA"})


def account(path: str, page: Page, **how: Any) -> None:
    signed_in(page, **how)
    page.goto(path)
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    expect(page.locator("input[autocomplete=username]").first).to_have_value(EMAIL)


def _toast(page: Page) -> None:
    account("/account", page, confirmed=False)
    answer(page, "/auth/me", 200, {"user": USER | {"email_verified": False}})
    page.locator("#username").fill("your.new.name")
    submit(page, "Save User Name")
    expect(page.locator(".toast__box")).to_be_visible()


def _profile_errors(page: Page) -> None:
    account("/account", page)
    answer(page, "/auth/me", 409, {"code": "username_taken", "message": "Taken"})
    page.locator("#username").fill("ada")
    submit(page, "Save User Name")
    expect(page.locator("#username")).to_be_focused()
    expect(page.locator("#username-error")).not_to_be_empty()


def _moving(page: Page) -> None:
    account("/account", page)
    answer(page, "/auth/email/change", 202, {"message": "Sent"})
    page.locator("#new-email").fill("new.name@example.com")
    submit(page, "Send Link")
    expect(page.locator("#email-done")).to_be_focused()


def _unreachable(page: Page) -> None:
    signed_in(page)
    answer(page, "/auth/me", 429, {"code": "rate_limited", "message": "No"}, Retry_After="90")
    page.goto("/account")
    expect(page.get_by_role("button", name="Try Again")).to_be_visible()


def _security_errors(page: Page) -> None:
    account("/account/security", page)
    submit(page, "Save New Password")
    expect(page.locator("#current-password")).to_be_focused()


def _security_done(page: Page) -> None:
    account("/account/security", page)
    answer(page, "/auth/password/change", 200, {"message": "Changed", "api_tokens": ["backup script"]})
    found = {"score": 4, "warning": "", "suggestions": [], "acceptable": True}
    answer(page, "/auth/password/strength", 200, found)
    page.locator("#current-password").fill("the old one")
    for field in ("#new-password", "#confirm-password"):
        page.locator(field).fill("violet-harbor-teapot-92")
    submit(page, "Save New Password")
    expect(page.locator("#changed")).to_be_focused()


def _long_name(page: Page) -> None:
    account("/account/devices", page, sessions=[_session(("B" * 200, "Ubuntu"), 0, current=True)])


def _others(page: Page) -> None:
    account("/account/devices", page)
    page.locator("#end-others").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()


def password_dialog(page: Page) -> None:
    account("/account/delete", page)
    submit(page, "Delete My Account")
    expect(page.locator("#dialog-password")).to_be_focused()


def _password_dialog_errors(page: Page) -> None:
    password_dialog(page)
    page.keyboard.press("Enter")
    expect(page.locator("#dialog-password-error")).not_to_be_empty()


def _closed(page: Page) -> None:
    password_dialog(page)
    answer(page, "/auth/reauth", 200, {"access_token": "a.b.d", "expires_in": 3600})
    answer(page, "/auth/me", 202, {"message": "Closed", "erased_after": _at(-14 * 24)})
    page.locator("#dialog-password").fill("a password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your Account Is Closed")).to_be_focused()


SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
URI = f"otpauth://totp/AxiomTech:{EMAIL}?secret={SECRET}&issuer=AxiomTech"
CODES = [f"{'abcdefghij'[n]}bcd-efgh-ijkl-mnop-qrst-uv2{n + 2 if n < 6 else 7}" for n in range(10)]


def _with_passkeys(page: Page, **facts: Any) -> None:
    """Show two passkeys in an account with two-factor on."""
    signed_in(page)
    answer(page, "/auth/me", 200, me(email_verified=True, two_factor_enabled=True, left=9, **facts))
    answer(page, "/auth/totp", 200, {"enabled_since": _at(500)})
    times = {"created_at": _at(400), "last_used_at": _at(30), "backed_up": True}
    passkeys = [times | {"id": name, "name": name} for name in ("My Phone", "The Key on My Desk")]
    answer(page, "/auth/passkeys", 200, {"passkeys": passkeys})


def _two_factor(page: Page, *, on: bool = False, **facts: Any) -> None:
    signed_in(page)
    if on:
        _with_passkeys(page, **facts)
    else:
        answer(page, "/auth/me", 200, me(email_verified=True, two_factor_enabled=False) | facts)
    page.goto("/account/two-factor")
    expect(page.get_by_role("button", name="Turn Off" if on else "Set Up")).to_be_visible()


def _set_up(page: Page) -> None:
    _two_factor(page)
    answer(page, "/auth/totp", 200, {"secret": SECRET, "otpauth_uri": URI, "qr_svg": qr_svg(URI)})
    submit(page, "Set Up")
    expect(page.locator("#set-up-title")).to_be_focused()


def _set_up_errors(page: Page) -> None:
    _set_up(page)
    submit(page, "Turn On")
    expect(page.locator("#code")).to_be_focused()


def _recovery_codes(page: Page) -> None:
    _set_up(page)
    answer(page, "/auth/totp/confirm", 200, {"recovery_codes": CODES})
    page.locator("#code").fill("123456")
    submit(page, "Turn On")
    expect(page.locator("#codes-title")).to_be_focused()


def _recovery_codes_errors(page: Page) -> None:
    _recovery_codes(page)
    submit(page, "Finish")
    expect(page.locator("#saved")).to_be_focused()


def _code_dialog(page: Page) -> None:
    _two_factor(page, on=True)
    submit(page, "Turn Off")
    expect(page.locator("#dialog-code")).to_be_focused()


def _rename(page: Page) -> None:
    _two_factor(page, on=True)
    submit(page, "Rename My Phone")
    expect(page.locator("#passkey-new-name")).to_be_focused()


def _rename_errors(page: Page) -> None:
    _rename(page)
    page.locator("#passkey-new-name").fill(" ")
    submit(page, "Save Name")
    expect(page.locator("#passkey-new-name-error")).not_to_be_empty()


def _remove_passkey(page: Page) -> None:
    _two_factor(page, on=True)
    submit(page, "Remove My Phone")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()


def _step_up_by_factor(page: Page) -> None:
    _two_factor(page, on=True)
    answer(page, "/auth/passkeys/options", 403, {"code": "reauth_required", "by_factor": True})
    page.locator("#passkey-name").fill("Another")
    submit(page, "Add a Passkey")
    expect(page.locator("#step-up-code")).to_be_focused()


def _passwordless(page: Page, *, has_password: bool) -> None:
    _with_passkeys(page, has_password=has_password)
    page.goto("/account/security")
    expect(page.locator("#without" if has_password else "#no-password")).to_be_visible()


def _remove_password(page: Page) -> None:
    _passwordless(page, has_password=True)
    submit(page, "Remove Password")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()


def _password_removed(page: Page) -> None:
    _remove_password(page)
    answer(page, "/auth/password", 200, {"message": "Removed"})
    page.locator("dialog[open] [data-close=yes]").click()
    expect(page.locator("#removed")).to_be_focused()


ACCOUNT_STATES: dict[str, Callable[[Page], Any]] = {
    "account": partial(account, "/account"),
    "account-unconfirmed": partial(account, "/account", confirmed=False),
    "account-toast": _toast,
    "account-errors": _profile_errors,
    "account-moving": _moving,
    "account-unreachable": _unreachable,
    "account-security": partial(account, "/account/security"),
    "account-security-errors": _security_errors,
    "account-security-done": _security_done,
    "account-security-passkeys": partial(_passwordless, has_password=True),
    "account-security-no-password": partial(_passwordless, has_password=False),
    "account-security-remove": _remove_password,
    "account-security-removed": _password_removed,
    "account-two-factor": _two_factor,
    "account-two-factor-set-up": _set_up,
    "account-two-factor-set-up-errors": _set_up_errors,
    "account-two-factor-codes": _recovery_codes,
    "account-two-factor-codes-errors": _recovery_codes_errors,
    "account-two-factor-on": partial(_two_factor, on=True),
    "account-two-factor-dialog": _code_dialog,
    "account-two-factor-required": partial(_two_factor, second_factor_setup_required=True),
    "account-two-factor-reset": partial(_two_factor, on=True, reset_in=20),
    "account-two-factor-remove": _remove_passkey,
    "account-two-factor-step-up": _step_up_by_factor,
    "account-two-factor-rename": _rename,
    "account-two-factor-rename-errors": _rename_errors,
    "account-devices": partial(account, "/account/devices"),
    "account-devices-long-name": _long_name,
    "account-devices-dialog": _others,
    "account-activity": partial(account, "/account/activity"),
    "account-delete": partial(account, "/account/delete"),
    "account-dialog": password_dialog,
    "account-dialog-errors": _password_dialog_errors,
    "account-delete-done": _closed,
}
