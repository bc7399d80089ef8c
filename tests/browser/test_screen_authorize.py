"""The page of an app's request. The number in a test's name is that of the list of checks."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.app_screens import SETTLED, allow, app_at, client_in
from tests.support.authorization_requests import authorization_query
from tests.support.authorize_screen_styles import APP, DOCUMENTS, FOUR, LOOPBACK, WEB, opened
from tests.support.screen_steps import answer, calls, heading, reach, submit, waits
from tests.support.screens import Site, log_in, said

ACCOUNT = {"email": "a@example.com", "username": "a", "has_password": True, "two_factor_enabled": False}
CONSENT = {"status": "consent", "client": WEB, "account": ACCOUNT, "scopes": FOUR, "new": True}


def in_view(page: Page, *selectors: str) -> bool:
    height = page.viewport_size["height"] if page.viewport_size else 0
    boxes = [page.locator(each).bounding_box() for each in selectors]
    return all(box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes)


def test_218_what_matters_is_seen_without_scrolling(screen: Page) -> None:
    opened(screen, 200, CONSENT)
    expect(screen.locator("h1")).to_have_text("Grafana wants to access your account")
    expect(screen.locator("#host")).to_have_text("It will send you to grafana.example.com")
    expect(screen.locator("#new li")).to_have_text(
        [
            "Know who you are, by an ID that stays the same",
            "See your user name",
            "See your email address, a@example.com",
            "Keep this access when you are not using the app",
        ]
    )
    assert in_view(screen, "#host", "#new", "#who", "#allow", "#cancel")
    screen.set_viewport_size({"width": 360, "height": 740})
    assert in_view(screen, "#host", "#who")


def test_220_name_of_an_app_is_plain_text(screen: Page, site: Site) -> None:
    query = client_in(site, "app220", "https://app220.example.com/cb", name="<b>x</b>\u202eabc")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    heading(screen, "<b>x</b>abc wants to access your account")
    expect(screen.locator("main b")).to_have_count(0)
    expect(screen.locator("bdi").first).to_have_text("<b>x</b>abc")


def test_policy_and_terms_of_an_app_are_links_to_a_new_tab(screen: Page) -> None:
    opened(screen, 200, CONSENT)
    expect(screen.locator("#links")).to_be_hidden()
    opened(screen, 200, CONSENT | {"client": WEB | DOCUMENTS})
    for name, path in (("Privacy policy", "privacy"), ("Terms", "terms")):
        link = screen.locator("main").get_by_role("link", name=name, exact=True)
        expect(link).to_have_attribute("href", f"https://grafana.example.com/{path}")
        expect(link).to_have_attribute("rel", "noopener noreferrer")
        expect(link).to_have_attribute("target", "_blank")
        expect(link).to_have_accessible_description("Opens in a new tab")
    for what in ("not-you", "policy", "terms", "allow", "cancel"):
        screen.keyboard.press("Tab")
        expect(screen.locator(f"#{what}")).to_be_focused()
    opened(screen, 200, CONSENT | {"client": WEB | {"policy_uri": "javascript:alert(1)", "terms_uri": None}})
    expect(screen.locator("#links")).to_be_hidden()


@pytest.mark.parametrize(
    ("client", "host", "warning"),
    [
        (WEB, "It will send you to grafana.example.com", None),
        (
            LOOPBACK,
            "It will send the answer to a program on this computer",
            "Allow this only if you have just started Tool on this computer.",
        ),
        (
            APP,
            "It will open an app on this device (com.example.pocket:)",
            "Allow this only if you came here from Pocket itself. Another app could pose as it.",
        ),
    ],
)
def test_221_warning_by_kind_of_app(
    screen: Page, client: dict[str, Any], host: str, warning: str | None
) -> None:
    opened(screen, 200, CONSENT | {"client": client})
    expect(screen.locator("#host")).to_have_text(host)
    if warning is None:
        expect(screen.locator("#warning")).to_be_hidden()
    else:
        expect(screen.locator("#warning")).to_have_text(warning)


def test_222_buttons_have_the_same_size(screen: Page) -> None:
    opened(screen, 200, CONSENT)
    for width in (360, 1280):
        screen.set_viewport_size({"width": width, "height": 800})
        one, other = (screen.locator(each).bounding_box() for each in ("#allow", "#cancel"))
        assert one
        assert other
        assert (one["width"], one["height"]) == (other["width"], other["height"])


HOSTILE = f"https://evil.example/{'x' * 300}?<img src=x onerror=alert(1)>"


def test_223_fault_of_the_address_stays_here(screen: Page, site: Site) -> None:
    client_in(site, "app223", "https://app223.example.com/cb")
    for changes in ({"client_id": "unknown"}, {"redirect_uri": HOSTILE}, {"redirect_uri": None}):
        query = authorization_query(**({"client_id": "app223"} | changes))
        answered = screen.goto(f"/oauth/authorize?{query}")
        assert answered
        assert (answered.status, answered.headers.get("location")) == (400, None)
        assert answered.headers["cache-control"] == "no-store"
        heading(screen, "This App Is Not Set Up Correctly")
        expect(screen.locator("h1")).to_be_focused()
        expect(screen.locator("[href*=evil], main img")).to_have_count(0)


def test_224_sent_values_are_cut_and_copied_as_text(screen: Page, site: Site) -> None:
    client_in(site, "app224", "https://app224.example.com/cb")
    screen.goto(f"/oauth/authorize?{authorization_query(client_id='app224', redirect_uri=HOSTILE)}")
    expect(screen.locator("#details")).to_contain_text(f"https://evil.example/{'x' * 179}…")
    screen.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    submit(screen, "Copy Details")
    expect(screen.locator("#status")).to_have_text("Copied")
    assert "Error: invalid_redirect_uri" in screen.evaluate("navigator.clipboard.readText()")


def test_app_that_asks_again_wants_more_only_if_a_scope_is_new(screen: Page) -> None:
    before = [each | {"allowed": True} for each in FOUR]
    opened(screen, 200, CONSENT | {"scopes": before, "new": False})
    expect(screen.locator("h1")).to_have_text("Grafana wants to access your account")
    expect(screen.get_by_role("heading", name="Already allowed")).to_be_visible()
    expect(screen.locator("#new-title")).to_be_hidden()
    opened(screen, 200, CONSENT | {"scopes": [*before[1:], FOUR[0] | {"allowed": False}], "new": False})
    expect(screen.locator("h1")).to_have_text("Grafana wants more access")
    expect(screen.locator("#new-title")).to_be_visible()


def test_account_that_needs_a_factor_is_led_to_its_page(screen: Page) -> None:
    opened(screen, 403, {"code": "second_factor_setup_required"})
    screen.wait_for_url("**/account/two-factor?next=%2Foauth%2Fauthorize%3F*")


def test_stored_ticket_that_expired_is_replaced(screen: Page) -> None:
    sent: list[str] = []

    def serve(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}")["ticket"])
        if len(sent) == 2:
            route.fulfill(status=400, json={"code": "oauth_ticket_invalid"})
        else:
            route.fulfill(status=200, json=CONSENT)

    opened(screen, 200, CONSENT)
    screen.evaluate(
        "const key = `auth.authorize.${document.getElementById('swap').dataset.digest}`;"
        "sessionStorage.setItem(key, JSON.stringify({ticket: 'old', answered: true}))"
    )
    sent.append("first")
    screen.route("**/auth/authorizations", serve)
    screen.reload()
    expect(screen.get_by_role("button", name="Allow")).to_be_visible()
    assert sent[1] == "old"
    assert len(sent) == 3
    assert len(sent[2]) > 60


def test_decision_without_a_network_allows_nothing_and_can_be_repeated(screen: Page) -> None:
    opened(screen, 200, CONSENT)
    screen.route("**/auth/authorizations/decision", lambda route: route.abort())
    allow(screen)
    expect(screen.get_by_role("alert")).to_contain_text("We could not reach the server. Nothing was allowed.")
    found = app_at(screen, "app5.example.com")
    screen.unroute("**/auth/authorizations/decision")
    redirect = {"status": "redirect", "redirect_to": "https://app5.example.com/cb?code=x"}
    answer(screen, "/auth/authorizations/decision", 200, redirect)
    submit(screen, "Try Again")
    waits(screen, found)


def test_decision_that_needs_a_fresher_login_asks_for_it(screen: Page) -> None:
    opened(screen, 200, CONSENT)
    reauth = {"status": "reauth", "client": WEB, "account": ACCOUNT, "by_factor": False}
    answer(screen, "/auth/authorizations/decision", 200, reauth)
    allow(screen)
    heading(screen, "Confirm It's You")
    expect(screen.locator("h1")).to_be_focused()
    answer(screen, "/auth/reauth", 403, {"code": "wrong_current_password"})
    screen.get_by_label("Password", exact=True).fill("wrong")
    submit(screen, "Continue")
    expect(screen.get_by_label("Password", exact=True)).to_be_focused()


def test_consent_by_keyboard(screen: Page) -> None:
    opened(screen, 200, CONSENT)
    expect(screen.locator("h1")).to_be_focused()
    for what in ("not-you", "allow", "cancel", "language", "language-apply", "scheme", "contrast"):
        screen.keyboard.press("Tab")
        expect(screen.locator(f"#{what}")).to_be_focused()
    decisions = calls(screen, "/auth/authorizations/decision")
    screen.locator("h1").focus()
    screen.wait_for_timeout(SETTLED)
    screen.keyboard.press("Enter")
    assert decisions == []
    answer(screen, "/auth/authorizations/decision", 400, {"code": "bad_request"})
    reach(screen, "allow")
    screen.keyboard.press("Enter")
    waits(screen, decisions)
    assert ["status", "Sending you to grafana.example.com"] in said(screen)


def test_slow_request_says_that_it_loads(screen: Page) -> None:
    screen.route("**/auth/refresh", lambda route: route.fulfill(status=200, json={"access_token": "a.b.c"}))
    opened(screen, 200, CONSENT)
    screen.route("**/auth/authorizations", lambda _route: None)
    screen.reload()
    expect(screen.locator("#status")).to_have_text("Loading the request")
    expect(screen.locator("#swap")).to_have_attribute("aria-busy", "true")
