"""The pages without a browser: redirects, plain forms, error pages, assets and texts."""

import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages import assets, routes
from pages.safety import DEFAULT_NEXT, POLICY, safe_next
from tests.conftest import AppFactory
from tests.support.service import FixedClock, refresh, register, signed_in
from tests.support.small_limits import ON, limits

OWN = {"Sec-Fetch-Site": "same-origin"}
BROWSES = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HOSTILE = [
    *("", " ", "account", "//evil.example", "///evil.example", "////evil.example/", "https://evil.example"),
    *("HTTPS:evil.example", "javascript:alert(1)", "data:text/html,hi", "\\evil.example", "/\\evil.example"),
    *(
        "\\\\evil.example",
        "/\\/evil.example",
        "/..//evil.example",
        "/.//evil.example",
        "/foo/..//evil.example",
    ),
    *("/%2e%2e//evil.example", "/%2E/account", "/a/../b", "/account/..", "/a//b", "/\t/evil.example"),
    *("/\n/evil.example", "/account\r\nSet-Cookie: a=b", "/ /evil.example", "\t//evil.example", " /account"),
    *(
        "/account\x00",
        "/\x7f/evil.example",
        "/account?next=\\evil",
        "?next=/account",
        "#account",
        "@evil.example",
    ),
    *("/login", "/LOGIN", "/login/", "/login?next=/account", "/logout", "/signup#top", "/forgot/sent"),
    *("/reset", "/verify-email", "/auth/logout", "/auth", "/" + "a" * 2048),
]
GOOD = [
    *("/", "/account", "/account/security", "/account?tab=security%23s", "/account#devices"),
    *("/account?return=https://app.example//x", "/loginx", "/resets", "/authors", "/a.b/c..d", "/%2Fevil"),
    *("/stra\u00dfe", "/a%20b", "/account?a=/../b", "/" + "a" * 2047),
]


@pytest.mark.parametrize("path", HOSTILE)
def test_68_hostile_next_is_replaced_by_the_account(path: str) -> None:
    assert safe_next(path) == DEFAULT_NEXT == "/account"


def test_missing_next_leads_to_the_account(client: FlaskClient) -> None:
    assert safe_next(None) == "/account"
    page = client.get("/login", query_string={"next": "//evil.example"}).get_data(as_text=True)
    assert "evil.example" not in page
    assert 'name="next" value="/account"' in page


@pytest.mark.parametrize("path", GOOD)
def test_safe_next_is_kept(path: str) -> None:
    assert safe_next(path) == path


def test_fault_46_next_of_an_authorization_request_is_long_and_local() -> None:
    request = "/oauth/authorize?redirect_uri=https://app.example.com/cb&state="
    longest = request + "s" * (8192 + len("/oauth/authorize?") - len(request))
    assert safe_next(longest) == longest
    assert safe_next(f"{longest}s") == DEFAULT_NEXT
    for other in ("/oauth/authorize", "/oauth/authorized?", "/oauth/authorize/?", "/oauth//authorize?"):
        assert safe_next(other + "a" * 2048) == DEFAULT_NEXT
    for hostile in (f"/{request}", f"https://evil.example{request}", f"{request}\r\nX: y", f"{request}\\"):
        assert safe_next(hostile) == DEFAULT_NEXT


def test_page_policy_allows_files_of_this_origin_only(client: FlaskClient) -> None:
    directives = client.get("/login").headers["Content-Security-Policy"].split("; ")
    own = dict.fromkeys(("script-src", "style-src", "font-src", "connect-src", "form-action"), "'self'")
    none = dict.fromkeys(("default-src", "base-uri", "frame-ancestors", "object-src"), "'none'")
    images, sinks = {"img-src": "'self' data:"}, {"require-trusted-types-for": "'script'"}
    assert dict(each.split(" ", 1) for each in directives) == own | none | images | sinks


def test_contrast_is_stored_in_a_cookie_and_rendered(client: FlaskClient) -> None:
    assert "data-contrast" not in client.get("/login").get_data(as_text=True)
    for chosen in ("more", "seed"):
        sent = {"contrast": chosen, "back": "/terms"}
        answer = client.post("/preferences/contrast", data=sent, headers=OWN)
        assert (answer.status_code, answer.location) == (303, "/terms")
        assert re.match(
            rf"__Host-contrast={chosen}; Expires=.*; Max-Age=31536000; Secure; Path=/; SameSite=Lax$",
            answer.headers["Set-Cookie"],
        )
        assert f'data-contrast="{chosen}"' in client.get("/terms").get_data(as_text=True)
    client.set_cookie("__Host-contrast", '"><script>')
    assert "data-contrast" not in client.get("/login").get_data(as_text=True)


def test_cookie_of_another_host_is_ignored(client: FlaskClient) -> None:
    """Another host of the same domain can set any cookie without the prefix."""
    client.set_cookie("contrast", "more")
    client.set_cookie("signed-in", "1")
    assert "data-contrast" not in client.get("/login").get_data(as_text=True)
    assert client.get("/").location == "/login"


def test_contrast_switch_refuses_other_values_and_hostile_redirects(client: FlaskClient) -> None:
    for back in HOSTILE[:30]:
        sent = {"contrast": "purple", "back": back}
        answer = client.post("/preferences/contrast", data=sent, headers=OWN)
        assert (answer.status_code, answer.location) == (303, "/login"), back
        assert "Set-Cookie" not in answer.headers
    refused = client.post("/preferences/contrast", data={"contrast": "more"})
    assert refused.status_code == 403
    assert "Set-Cookie" not in refused.headers


def test_ui_contrast_default_is_rendered(make_app: AppFactory) -> None:
    page = make_app({"UI_CONTRAST_DEFAULT": "more"}).test_client().get("/login").get_data(as_text=True)
    assert 'data-contrast="more"' in page
    assert 'aria-pressed="true"' in page


def test_pages_disabled_serves_only_the_api(make_app: AppFactory) -> None:
    client = make_app({"PAGES_ENABLED": "false"}).test_client()
    paths = [*routes.FORMS, *routes.PLAIN, "/assets/0/lib/style.css", "/.well-known/change-password", "/none"]
    for path in paths:
        answer = client.get(path, headers=BROWSES)
        assert (answer.status_code, answer.mimetype) == (404, "application/json"), path
    assert client.post("/logout", headers=OWN).status_code == 404
    assert register(client).status_code == 201


class Broken:
    def hash(self, _password: str) -> str:
        raise RuntimeError


def kind(client: FlaskClient, path: str, accept: str | None) -> tuple[int, str | None]:
    answer = client.get(path, headers={"Accept": accept} if accept else None)
    if answer.mimetype == "text/html":
        assert answer.headers["Content-Security-Policy"] == POLICY
    return answer.status_code, answer.mimetype


def test_404_is_html_for_browsers_and_json_otherwise(client: FlaskClient) -> None:
    assert kind(client, "/none", BROWSES["Accept"]) == (404, "text/html")
    assert "Page Not Found" in client.get("/none", headers=BROWSES).get_data(as_text=True)
    for accept in (None, "*/*", "application/json", "application/json, text/html;q=0.5"):
        assert kind(client, "/none", accept) == (404, "application/json")
    assert kind(client, "/auth/none", BROWSES["Accept"]) == (404, "application/json")
    hostile = client.get("/<script>alert(1)</script>", headers=BROWSES)
    assert "alert(1)" not in hostile.get_data(as_text=True)


@pytest.mark.provokes_errors
def test_500_is_html_for_browsers_and_json_otherwise(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/broken", "broken", lambda: str(1 / 0))
    assert kind(client, "/broken", BROWSES["Accept"]) == (500, "text/html")
    assert kind(client, "/broken", "application/json") == (500, "application/json")
    page = client.get("/broken", headers=BROWSES)
    assert page.headers["X-Request-Id"] in page.get_data(as_text=True)


def test_429_is_html_for_browsers_and_json_otherwise(make_app: AppFactory) -> None:
    app = make_app(ON, limiter=limits(FixedClock(), reads=3))
    client = app.test_client()
    assert [client.get("/terms").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert kind(client, "/terms", BROWSES["Accept"]) == (429, "text/html")
    assert kind(client, "/terms", "application/json") == (429, "application/json")
    assert int(client.get("/terms", headers=BROWSES).headers["Retry-After"]) > 0


def test_errors_of_the_api_are_json_even_for_browsers(client: FlaskClient) -> None:
    for method, path in [
        ("GET", "/auth/me"),
        ("POST", "/auth/login"),
        ("PUT", "/auth/login"),
        ("GET", "/auth/x"),
    ]:
        answer = client.open(path, method=method, headers=BROWSES)
        assert answer.status_code >= 400
        assert answer.mimetype == "application/json", path


@pytest.mark.parametrize("proof", [OWN, {"Origin": "http://localhost:8000"}])
def test_a_plain_form_logs_out(app: Flask, client: FlaskClient, proof: dict[str, str]) -> None:
    token = signed_in(client)["refresh_token"]
    client.set_cookie("__Host-refresh", token, secure=True)
    client.set_cookie("__Host-signed-in", "1")
    base = "https://localhost:8000"  # a client of tests keeps Secure cookies to itself otherwise
    answer = client.post("/logout", headers=proof, base_url=base)
    assert (answer.status_code, answer.location) == (303, "/login?reason=logged_out")
    gone = {line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie") if "Max-Age=0" in line}
    assert gone == {"__Host-refresh", "__Host-signed-in"}
    assert refresh(app.test_client(), token).status_code == 401


@pytest.mark.parametrize(
    "proof", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}]
)
def test_cross_site_logout_is_refused(app: Flask, client: FlaskClient, proof: dict[str, str]) -> None:
    token = signed_in(client)["refresh_token"]
    client.set_cookie("__Host-refresh", token, secure=True)
    answer = client.post("/logout", headers=proof | BROWSES, base_url="https://localhost:8000")
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "Set-Cookie" not in answer.headers
    assert refresh(app.test_client(), token).status_code == 200


def test_225_opening_the_page_of_logout_changes_nothing(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["refresh_token"]
    client.set_cookie("__Host-refresh", token, secure=True)
    answer = client.get("/logout?next=/account/apps", base_url="https://localhost:8000")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "Set-Cookie" not in answer.headers
    page = answer.get_data(as_text=True)
    assert 'href="/account/apps">Stay Logged In' in page
    assert 'href="/login?next=%2Faccount%2Fapps">Log In' in page
    for hostile in ("https://evil.example", "//evil.example", "/logout", "javascript:alert(1)"):
        page = client.get("/logout", query_string={"next": hostile}).get_data(as_text=True)
        assert 'href="/account">Stay Logged In' in page
        assert "evil" not in page
    assert refresh(app.test_client(), token).status_code == 200


def test_ip_address_redirects_to_localhost_in_development_only(
    client: FlaskClient, serving_app: Flask
) -> None:
    developing = serving_app.test_client()
    for base in ("http://127.0.0.1:8000", "http://[::1]:8000"):
        answer = developing.get("/login?next=/account", base_url=base)
        assert (answer.status_code, answer.location) == (302, "http://localhost:8000/login?next=/account")
        assert client.get("/login", base_url=base).status_code == 200
    for base in ("http://localhost:8000", "http://evil.example"):
        assert developing.get("/login", base_url=base).status_code == 200
    assert developing.post("/login", base_url="http://127.0.0.1:8000").status_code == 200


def test_only_current_assets_are_immutable(client: FlaskClient) -> None:
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "woff2": "font/woff2"}
    assert {name.rpartition(".")[2] for name in assets.files()} == set(kinds)
    for name in assets.files():
        answer = client.get(assets.asset(name))
        assert (answer.status_code, answer.mimetype) == (200, kinds[name.rpartition(".")[2]])
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert client.get(assets.asset(name), headers=tag).status_code == 304
        assert "immutable" not in client.get(f"/assets/{'0' * 12}/{name}").headers["Cache-Control"]
    for name in ("none.js", "..%2froutes.py", "pages.json", "style.css.map", "%00"):
        assert client.get(f"/assets/{assets.version()}/{name}").status_code == 404
    assert client.get("/favicon.ico").mimetype == "image/svg+xml"
    with pytest.raises(KeyError):
        assets.asset("none.js")


def test_assets_are_compressed_for_callers_that_accept_gzip(client: FlaskClient) -> None:
    for name, content in assets.files().items():
        plain = client.get(assets.asset(name))
        packed = client.get(assets.asset(name), headers={"Accept-Encoding": "br, gzip;q=0.5"})
        if name.endswith(".woff2"):  # compressed already
            assert plain.data == packed.data == content
            assert "Content-Encoding" not in packed.headers
            continue
        assert plain.data == gzip.decompress(packed.data) == content
        assert plain.headers.get("Content-Encoding") is None
        assert packed.headers["Content-Encoding"] == "gzip"
        assert plain.headers["ETag"] != packed.headers["ETag"]
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert "Accept-Encoding" in packed.headers["Vary"]
    refused = client.get(assets.asset("lib/client.js"), headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_failed_asset_response_is_not_immutable(client: FlaskClient) -> None:
    path = assets.asset("lib/client.js")
    assert "immutable" in client.get(path).headers["Cache-Control"]
    refused = client.get(path, headers={"If-Match": '"other"'})
    assert refused.status_code == 412
    assert "immutable" not in refused.headers.get("Cache-Control", "")
