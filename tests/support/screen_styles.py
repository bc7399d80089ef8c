"""Shared by the tests of styles and structure: the pages in all of their states."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.account_screen_styles import ACCOUNT_STATES, EMAIL
from tests.support.app_screen_styles import APP_STATES
from tests.support.authorize_screen_styles import AUTHORIZE_STATES
from tests.support.logout_screen_styles import LOGOUT_STATES
from tests.support.token_screen_styles import TOKEN_STATES

OPEN_PAGES = (
    "/login /signup /signup/sent /forgot /forgot/sent /reset /reset/done /verify-email /reject "
    "/undo-email-change /restore /disown /terms /privacy /no-such-page /two-factor /logout"
).split()
ACCOUNT_PAGES = (
    "/account /account/security /account/two-factor /account/devices /account/tokens /account/activity "
    "/account/delete"
).split()
# But for that of the code, into which the browser itself lets nothing but digits be sent.
FORM_PAGES = (
    "/login /signup /forgot /reset /verify-email /reject /undo-email-change /restore /disown"
).split()
FRAGMENT = f"#token={'t' * 64}"
LINK = {"purpose": "verify", "email": EMAIL}
State = Callable[[Page], Any]


def answering(page: Page, path: str, body: Any, status: int = 200) -> None:
    """Stub the response of this API call."""
    page.route(
        f"**{path}",
        lambda route: route.fulfill(status=status, content_type="application/json", body=json.dumps(body)),
    )


def refusing(page: Page, path: str, code: str, status: int, **more: Any) -> None:
    """Stub a refusal of this call."""
    answering(page, path, {"error": "No.", "code": code} | more, status)


def _at(path: str, page: Page) -> None:
    page.goto(path)


def _sent_empty(path: str, page: Page) -> None:
    page.goto(path)
    page.locator("form[id$=-form]:not(#contrast-form) button[type=submit]").click(force=True)
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()


def login_refused(page: Page) -> None:
    refusing(page, "/auth/login", "invalid_credentials", 401)
    page.goto("/login")
    page.locator("#email").fill(EMAIL)
    page.locator("#current-password").fill("not the right one")
    page.get_by_role("button", name="Log In").click()
    expect(page.locator("#form-error .message")).to_be_visible()


def _never(route: Route) -> None:
    """Never respond."""


def _with_recovery_code(page: Page) -> None:
    page.goto("/two-factor")
    page.locator("#other-way").click()
    expect(page.locator("#recovery-code")).to_be_focused()


def login_busy(page: Page) -> None:
    page.route("**/auth/login", _never)
    page.goto("/login")
    page.locator("#email").fill(EMAIL)
    page.locator("#current-password").fill("a password")
    page.get_by_role("button", name="Log In").click()
    expect(page.locator("[aria-busy=true] .icon--loader-circle")).to_be_visible()


def metered(score: int, page: Page, path: str = "/signup") -> None:
    """Show a new password with this score."""
    answer = {"score": score, "warning": "", "suggestions": ["Add another word."], "acceptable": True}
    answering(page, "/auth/password/strength", answer)
    page.goto(path)
    page.locator("#new-password").fill("violet-harbor-teapot-92")
    expect(page.locator(".meter__word")).not_to_be_empty()


def signup_ticked(page: Page) -> None:
    page.goto("/signup")
    page.locator("#terms").check()


def _sent_to(path: str, page: Page) -> None:
    page.goto("/terms")
    page.evaluate("(email) => sessionStorage.setItem('auth.email', email)", EMAIL)
    page.goto(path)
    expect(page.locator("#resend-row")).to_be_visible()


def reset_form(page: Page) -> None:
    answering(page, "/auth/password/reset/check", {"email": EMAIL})
    page.goto(f"/reset{FRAGMENT}")
    expect(page.locator("#reset-for")).to_contain_text(EMAIL)


def reset_errors(page: Page) -> None:
    reset_form(page)
    page.get_by_role("button", name="Save New Password").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()


LINK_HEADINGS = {
    "expired": "This Link Has Expired",
    "used": "This Link Was Already Used",
    "unknown": "This Link Does Not Work",
}


def _link_fails(state: str, page: Page) -> None:
    refusing(page, "/auth/password/reset/check", f"token_{state}", 400 if state == "unknown" else 410)
    page.goto(f"/reset{FRAGMENT}")
    expect(page.get_by_role("heading", name=LINK_HEADINGS[state])).to_be_focused()


def _verify_here(page: Page) -> None:
    answering(page, "/auth/email/verify/check", LINK | {"confirmed": False, "signed_up_here": True})
    page.goto(f"/verify-email{FRAGMENT}")
    expect(page.locator("#verify-reject")).to_be_visible()


def verify_password(page: Page) -> None:
    answering(page, "/auth/email/verify/check", LINK | {"confirmed": False})
    page.goto(f"/verify-email{FRAGMENT}")
    expect(page.locator("#current-password")).to_be_visible()


def _verify_done(page: Page) -> None:
    answering(page, "/auth/email/verify/check", LINK | {"confirmed": True})
    page.goto(f"/verify-email{FRAGMENT}")
    expect(page.get_by_role("heading", name="Email Confirmed")).to_be_focused()


def _verify_again(page: Page) -> None:
    refusing(page, "/auth/email/verify/check", "token_expired", 410)
    page.goto(f"/verify-email{FRAGMENT}")
    page.get_by_role("link", name="Send a New Link").click()
    expect(page.get_by_role("heading", name="Send a New Link")).to_be_focused()


def _with_link(path: str, page: Page) -> None:
    page.goto(f"{path}{FRAGMENT}")


# Every screen, and whatever it can become, by the name that its picture has.
STATES: dict[str, State] = {
    "login": partial(_at, "/login"),
    "login-logged-out": partial(_at, "/login?reason=logged_out"),
    "login-errors": partial(_sent_empty, "/login"),
    "login-refused": login_refused,
    "login-busy": login_busy,
    "login-cookies": partial(_at, "/login/cookies"),
    "two-factor": partial(_at, "/two-factor"),
    "two-factor-errors": partial(_sent_empty, "/two-factor"),
    "two-factor-recovery": _with_recovery_code,
    "signup": partial(_at, "/signup"),
    "signup-errors": partial(_sent_empty, "/signup"),
    "signup-meter": partial(metered, 3),
    "signup-ticked": signup_ticked,
    "signup-sent": partial(_sent_to, "/signup/sent"),
    "forgot": partial(_at, "/forgot"),
    "forgot-errors": partial(_sent_empty, "/forgot"),
    "forgot-sent": partial(_sent_to, "/forgot/sent"),
    "reset": reset_form,
    "reset-errors": reset_errors,
    "reset-expired": partial(_link_fails, "expired"),
    "reset-used": partial(_link_fails, "used"),
    "reset-unknown": partial(_link_fails, "unknown"),
    "reset-done": partial(_at, "/reset/done"),
    "verify": _verify_here,
    "verify-password": verify_password,
    "verify-done": _verify_done,
    "verify-again": _verify_again,
    "reject": partial(_with_link, "/reject"),
    "disown": partial(_with_link, "/disown"),
    "undo": partial(_with_link, "/undo-email-change"),
    "restore": partial(_with_link, "/restore"),
    "terms": partial(_at, "/terms"),
    "privacy": partial(_at, "/privacy"),
    "not-found": partial(_at, "/no-such-page"),
    **ACCOUNT_STATES,
    **APP_STATES,
    **TOKEN_STATES,
    **AUTHORIZE_STATES,
    **LOGOUT_STATES,
}


def choose(context: BrowserContext, url: str, **choices: str) -> None:
    """Set the cookies of preferences, as the pages do: `contrast`, `scheme`, `lang`."""
    for name, value in choices.items():
        cookie = f"__Host-{name}"
        context.add_cookies([{"name": cookie, "value": value, "url": url.replace("http:", "https:")}])


def choose_contrast(context: BrowserContext, url: str, contrast: str) -> None:
    """Set the contrast cookie, as the pages' switch does."""
    choose(context, url, contrast=contrast)
