"""The page of an app's request. The number in a test's name is that of the list of checks."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.authorization_requests import authorization_query, parameters_of
from tests.support.authorize_screen_styles import APP, FOUR, LOOPBACK, WEB, opened
from tests.support.screen_steps import answer, calls, heading, reach, submit, waits
from tests.support.screens import Site, log_in, said
from tests.support.scripted_server import ScriptedServer
from tests.support.service import PASSWORD

NOW = "2026-01-01 00:00:00.000000"
ACCOUNT = {"email": "a@example.com", "username": "a", "has_password": True, "two_factor_enabled": False}
CONSENT = {"status": "consent", "client": WEB, "account": ACCOUNT, "scopes": FOUR, "new": True}
SETTLED = 600  # milliseconds after which the button lets an app in


def client_in(site: Site, client_id: str, address: str, **columns: Any) -> str:
    """Insert a client into the database of the site; return the query of a request of it."""
    values: dict[str, Any] = {
        "id": client_id,
        "name": client_id.title(),
        "kind": "web",
        "redirect_uris": json.dumps([address]),
        "post_logout_uris": "[]",
        "scopes": json.dumps(["openid", "email"]),
        "pkce": "required",
        "trusted": False,
        "id_token_alg": "RS256",
        "claims_in_id_token": True,
        "takes_unverified": False,
        "require_factor": False,
        "created_at": NOW,
    } | columns
    with sqlite3.connect(site.mails.parent / "auth.db") as connection:
        names, places = ", ".join(values), ", ".join("?" * len(values))
        connection.execute(
            f"INSERT OR REPLACE INTO oauth_clients ({names}) VALUES ({places})", [*values.values()]
        )
    connection.close()
    return authorization_query(client_id=client_id, redirect_uri=address)


def app_at(page: Page, host: str) -> list[str]:
    """Serve this host to the browser; return the addresses that it is called with."""
    found: list[str] = []

    def serve(route: Route) -> None:
        found.append(route.request.url)
        page_of_app = '<!doctype html><title>App</title><link rel="icon" href="data:,"><h1>App</h1>'
        route.fulfill(status=200, content_type="text/html", body=page_of_app)

    page.context.route(lambda url: urlsplit(url).hostname == host, serve)
    return found


def arrived(page: Page, found: list[str]) -> dict[str, str]:
    """Wait for the browser at the app; return the parameters of the answer."""
    waits(page, found)
    page.wait_for_url(re.compile(r"https://app\d*\.example\.com/"))
    assert len(found) == 1
    return parameters_of(found[0])


@pytest.fixture
def program() -> Iterator[ScriptedServer]:
    """Yield a program on this computer that waits for the answer."""
    body = b'<!doctype html><title>Tool</title><link rel="icon" href="data:,"><h1>Tool</h1>'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
    server = ScriptedServer(lambda _request: head.encode() + body)
    yield server
    server.close()


def allow(page: Page) -> None:
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    page.wait_for_timeout(SETTLED)
    submit(page, "Allow")


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


def test_219_allow_is_not_taken_by_a_double_click(screen: Page, site: Site) -> None:
    query = client_in(site, "app219", "https://app219.example.com/cb")
    found = app_at(screen, "app219.example.com")
    log_in(screen, site.registered())
    decisions = calls(screen, "/auth/authorizations/decision")
    screen.goto(f"/oauth/authorize?{query}")
    screen.get_by_role("button", name="Allow").click()  # as soon as it is there
    screen.wait_for_timeout(SETTLED)
    assert decisions == []
    submit(screen, "Allow")
    told = arrived(screen, found)
    assert told.keys() == {"code", "state", "iss"}
    assert (told["state"], told["iss"], len(decisions)) == ("s t&te", site.url, 1)


def test_219_cancel_goes_back_with_access_denied(screen: Page, site: Site) -> None:
    query = client_in(site, "app2190", "https://app2190.example.com/cb")
    found = app_at(screen, "app2190.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    submit(screen, "Cancel")
    told = arrived(screen, found)
    assert (told["error"], told["state"]) == ("access_denied", "s t&te")


def test_220_name_of_an_app_is_plain_text(screen: Page, site: Site) -> None:
    query = client_in(site, "app220", "https://app220.example.com/cb", name="<b>x</b>\u202eabc")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    heading(screen, "<b>x</b>abc wants to access your account")
    expect(screen.locator("main b")).to_have_count(0)
    expect(screen.locator("bdi").first).to_have_text("<b>x</b>abc")


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


def test_221_known_web_app_is_asked_about_once_and_a_program_each_time(
    screen: Page, site: Site, program: ScriptedServer
) -> None:
    web = client_in(site, "app221", "https://app221.example.com/cb")
    found = app_at(screen, "app221.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{web}")
    allow(screen)
    assert "code" in arrived(screen, found)
    screen.goto(f"/oauth/authorize?{web}", wait_until="commit")
    waits(screen, found, 2)
    screen.wait_for_url("https://app221.example.com/**")
    address = f"http://127.0.0.1:{program.port}/cb"
    native = client_in(site, "tool221", address, kind="native", trusted=True)
    for number in (1, 2):
        screen.goto(f"/oauth/authorize?{native}")
        allow(screen)
        screen.wait_for_url("http://127.0.0.1:*/**")
        assert len(program.requests) == number


def test_222_buttons_have_the_same_size(screen: Page) -> None:
    opened(screen, 200, CONSENT)
    for width in (360, 1280):
        screen.set_viewport_size({"width": width, "height": 800})
        one, other = (screen.locator(each).bounding_box() for each in ("#allow", "#cancel"))
        assert one
        assert other
        assert (one["width"], one["height"]) == (other["width"], other["height"])


def test_223_and_224_fault_of_the_address_stays_here(screen: Page, site: Site) -> None:
    client_in(site, "app223", "https://app223.example.com/cb")
    hostile = f"https://evil.example/{'x' * 300}?<img src=x onerror=alert(1)>"
    for changes in ({"client_id": "unknown"}, {"redirect_uri": hostile}, {"redirect_uri": None}):
        query = authorization_query(**({"client_id": "app223"} | changes))
        answered = screen.goto(f"/oauth/authorize?{query}")
        assert answered
        assert (answered.status, answered.headers.get("location")) == (400, None)
        assert answered.headers["cache-control"] == "no-store"
        heading(screen, "This App Is Not Set Up Correctly")
        expect(screen.locator("h1")).to_be_focused()
        expect(screen.locator("[href*=evil], main img")).to_have_count(0)
    screen.goto(f"/oauth/authorize?{authorization_query(client_id='app223', redirect_uri=hostile)}")
    expect(screen.locator("#details")).to_contain_text(f"https://evil.example/{'x' * 179}…")
    screen.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    submit(screen, "Copy Details")
    expect(screen.locator("#status")).to_have_text("Copied")
    assert "Error: invalid_redirect_uri" in screen.evaluate("navigator.clipboard.readText()")


def requested(page: Page) -> list[str]:
    """Record the navigations that the page asks for, also to schemes that no request is made to."""
    found: list[str] = []
    session = page.context.new_cdp_session(page)
    session.send("Page.enable")
    session.on("Page.frameRequestedNavigation", lambda event: found.append(event["url"]))
    return found


def test_fault_48_consent_reaches_an_app_with_a_private_scheme(screen: Page, site: Site) -> None:
    query = client_in(site, "app48", "com.example.app48:/cb", kind="native")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    found = requested(screen)
    allow(screen)
    waits(screen, found)
    assert found[0].startswith("com.example.app48:/cb?code=")
    heading(screen, "Sending you to App48")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_fault_48_consent_reaches_a_program_on_a_loopback_port(
    screen: Page, site: Site, program: ScriptedServer, host: str
) -> None:
    query = client_in(site, "tool48", f"http://{host}/cb", kind="native")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query.replace('%2Fcb', f'%3A{program.port}%2Fcb')}")
    allow(screen)
    screen.wait_for_url(f"http://{host}:{program.port}/cb?code=*")
    assert [request.split(b"=")[0] for request in program.requests] == [b"GET /cb?code"]


def test_fault_48_consent_reaches_https(screen: Page, site: Site) -> None:
    query = client_in(site, "app480", "https://app480.example.com/cb?tenant=1")
    found = app_at(screen, "app480.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    allow(screen)
    assert arrived(screen, found).keys() == {"tenant", "code", "state", "iss"}


def log_in_here(page: Page, address: str) -> None:
    page.get_by_label("Email Address").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(page, "Log In")


def prove_password(page: Page, _address: str) -> None:
    heading(page, "Confirm It's You")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(page, "Continue")


def go_on(page: Page, address: str) -> None:
    submit(page, f"Continue as {address}")


def allow_it(page: Page, _address: str) -> None:
    allow(page)


def sign_up(page: Page, _address: str) -> None:
    page.wait_for_url("**/signup?next=*")
    page.get_by_label("Email Address").fill("new-of-app@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm Password").fill(PASSWORD)
    page.get_by_label("I agree to").check()
    submit(page, "Sign Up")
    page.get_by_role("link", name="Back to Login").click()
    log_in_here(page, "new-of-app@example.com")


Steps = tuple[Callable[[Page, str], None], ...]
QUESTIONS: list[tuple[dict[str, str], Steps, Steps]] = [
    ({}, (), (log_in_here,)),
    ({"prompt": "login"}, (prove_password,), (log_in_here,)),
    ({"max_age": "0"}, (prove_password,), (log_in_here,)),
    ({"max_age": "3600"}, (), (log_in_here,)),
    ({"prompt": "select_account"}, (go_on,), (log_in_here,)),
    ({"prompt": "create"}, (go_on,), (sign_up,)),
    ({"prompt": "consent"}, (allow_it,), (log_in_here, allow_it)),
    ({"prompt": "select_account login"}, (go_on, prove_password), (log_in_here,)),
]


@pytest.mark.parametrize("is_logged_in", [True, False])
@pytest.mark.parametrize(("changes", "logged_in", "nobody"), QUESTIONS)
def test_each_prompt_asks_exactly_one_question(
    screen: Page, site: Site, changes: dict[str, str], logged_in: Steps, nobody: Steps, is_logged_in: bool
) -> None:
    """The app is trusted. A second question would keep the browser from the app."""
    client_in(site, "app1", "https://app1.example.com/cb", trusted=True)
    found, address = app_at(screen, "app1.example.com"), site.registered()
    if is_logged_in:
        log_in(screen, address)
    query = authorization_query(client_id="app1", redirect_uri="https://app1.example.com/cb", **changes)
    screen.goto(f"/oauth/authorize?{query}", wait_until="commit")
    for step in logged_in if is_logged_in else nobody:
        assert found == []
        step(screen, address)
    assert "code" in arrived(screen, found)
    screen.goto("/terms")
    kept = screen.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('auth.authorize'))")
    assert kept == []


def test_prompt_none_shows_no_page(screen: Page, site: Site) -> None:
    client_in(site, "app2", "https://app2.example.com/cb")
    found = app_at(screen, "app2.example.com")
    silent = authorization_query(
        client_id="app2", redirect_uri="https://app2.example.com/cb", prompt="none", state="1"
    )
    screen.goto(f"/oauth/authorize?{silent}", wait_until="commit")
    assert arrived(screen, found)["error"] == "login_required"
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{silent}", wait_until="commit")
    waits(screen, found, 2)
    assert parameters_of(found[1])["error"] == "consent_required"


def test_another_account_logs_in_and_decides(screen: Page, site: Site) -> None:
    query = client_in(site, "app3", "https://app3.example.com/cb")
    found = app_at(screen, "app3.example.com")
    first, second = site.registered(), site.registered()
    log_in(screen, first)
    screen.goto(f"/oauth/authorize?{query}")
    expect(screen.locator("#who")).to_have_text(f"Logged in as {first}")
    screen.get_by_role("link", name="Not you?").click()
    expect(screen.get_by_role("button", name="Log In")).to_be_visible()
    log_in_here(screen, second)
    expect(screen.locator("#who")).to_have_text(f"Logged in as {second}")
    allow(screen)
    assert "code" in arrived(screen, found)


def test_person_without_the_permission_goes_back(screen: Page, site: Site) -> None:
    query = client_in(site, "app4", "https://app4.example.com/cb", required_permission="reports:read")
    found = app_at(screen, "app4.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    heading(screen, "You Cannot Use App4")
    expect(screen.locator("#denied-text")).to_contain_text("Ask the person who runs AxiomTech.")
    submit(screen, "Back to App4")
    assert arrived(screen, found)["error"] == "access_denied"


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
    for what in ("not-you", "allow", "cancel", "contrast"):
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


def test_login_hint_fills_the_login(screen: Page, site: Site) -> None:
    client_in(site, "app6", "https://app6.example.com/cb")
    query = authorization_query(
        client_id="app6", redirect_uri="https://app6.example.com/cb", login_hint="ada@example.com"
    )
    screen.goto(f"/oauth/authorize?{query}")
    expect(screen.get_by_label("Email Address")).to_have_value("ada@example.com")
    screen.goto("/login")
    expect(screen.get_by_label("Email Address")).to_have_value("")
