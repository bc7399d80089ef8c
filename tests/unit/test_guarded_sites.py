"""Sites behind a proxy: which requests the verify cookie may open, and where the login page is."""

import dataclasses

import pytest

from auth.sessions.guarded_sites import HeldRequest, login_address, may_use_cookie
from tests.support.production import load

APP, URL = "https://app.example.com", "https://app.example.com/page?a=1"
SETTINGS = load(RETURN_ORIGINS=f"{APP},https://wiki.example.com:8443", VERIFY_COOKIE="example.com")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("origin", [None, APP, "https://evil.example", "null"])
def test_request_that_reads_needs_no_origin(method: str, origin: str | None) -> None:
    assert may_use_cookie(HeldRequest(method, URL, origin))
    assert may_use_cookie(HeldRequest(method, None, origin))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "GET, POST", "", "X"])
def test_request_that_may_change_something_needs_the_origin_of_its_url(method: str) -> None:
    assert may_use_cookie(HeldRequest(method, URL, APP))
    others = (
        None,
        "",
        "null",
        "https://evil.example",
        "https://wiki.example.com:8443",
        "http://app.example.com",
    )
    for origin in (*others, f"{APP}:443", f"{APP}/", f"{APP}.", "https://APP.example.com"):
        assert not may_use_cookie(HeldRequest(method, URL, origin)), origin
    for url in (None, "", "/page", "https://app.example.com@evil.example/", "https://evil.example/"):
        assert not may_use_cookie(HeldRequest(method, url, APP)), url


@pytest.mark.parametrize("origin", [None, APP])
def test_request_of_an_unknown_method_is_refused(origin: str | None) -> None:
    assert not may_use_cookie(HeldRequest(None, URL, origin))


def test_missing_origin_does_not_equal_a_missing_url() -> None:
    assert not may_use_cookie(HeldRequest("POST", None, None))
    assert not may_use_cookie(HeldRequest("POST", "nonsense", None))


@pytest.mark.parametrize(
    ("url", "escaped"),
    [
        (URL, "https%3A%2F%2Fapp.example.com%2Fpage%3Fa%3D1"),
        (f"{APP}/?next=/x&y=%2F#z", "https%3A%2F%2Fapp.example.com%2F%3Fnext%3D%2Fx%26y%3D%252F%23z"),
        ("https://wiki.example.com:8443/", "https%3A%2F%2Fwiki.example.com%3A8443%2F"),
    ],
)
def test_login_page_is_told_the_escaped_url(url: str, escaped: str) -> None:
    found = login_address(SETTINGS, HeldRequest("GET", url, None))
    assert found == f"https://auth.example.com/login?next={escaped}"


@pytest.mark.parametrize(
    "url",
    [
        *(
            None,
            "",
            "/page",
            "https://evil.example/",
            "https://app.example.com@evil.example/",
            "http://app.example.com/",
        ),
        *(
            "https://app.example.com:8443/",
            "https://app.example.com\r\nX: y",
            "https://app.example.com/\u00e4",
        ),
        *("//app.example.com/", "HTTPS://app.example.com/", f"{APP}/{'a' * 2048}"),
    ],
)
def test_url_that_is_not_on_a_return_origin_has_no_login_page(url: str | None) -> None:
    assert login_address(SETTINGS, HeldRequest("GET", url, None)) is None


def test_without_verify_cookie_there_is_no_login_page() -> None:
    settings = dataclasses.replace(SETTINGS, verify_cookie=None)
    assert login_address(settings, HeldRequest("GET", URL, None)) is None
