"""`RETURN_ORIGINS` and `VERIFY_COOKIE`: what stops the start."""

import pytest

from tests.support.production import faults, load

APP = "https://app.example.com"
DEVELOPMENT = {"FLASK_ENV": "development", "PUBLIC_URL": "http://auth.example.localhost:8000"}


def test_both_settings_are_off_by_default() -> None:
    settings = load()
    assert (settings.return_origins, settings.verify_cookie) == ((), None)
    assert load(RETURN_ORIGINS="", VERIFY_COOKIE="").verify_cookie is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (APP, (APP,)),
        (f"{APP}, https://wiki.example.com:8443,{APP}", (APP, "https://wiki.example.com:8443")),
        ("https://xn--bcher-kva.example", ("https://xn--bcher-kva.example",)),
        ("https://192.0.2.1,https://[2001:db8::1]", ("https://192.0.2.1", "https://[2001:db8::1]")),
    ],
)
def test_return_origins_are_exact_https_origins(text: str, found: tuple[str, ...]) -> None:
    assert load(RETURN_ORIGINS=text).return_origins == found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://app.example.com/",
            "https://app.example.com/x",
            "https://app.example.com?",
            "HTTPS://app.example.com",
        ),
        *(
            "https://App.example.com",
            "https://app.example.com:443",
            "https://app.example.com:",
            "https://app.example.com.",
        ),
        *(
            "https://user@app.example.com",
            "app.example.com",
            "//app.example.com",
            "*",
            "https://*.example.com",
            "null",
        ),
        *(
            "https://a..example.com",
            "https://-a.example.com",
            "https://b\u00fccher.example",
            "https:app.example.com",
        ),
        *(
            "ftp://app.example.com",
            "https://",
            "https://app.example.com:99999",
            "https://app.example.com https://x.example",
        ),
    ],
)
def test_text_that_is_no_exact_origin_is_refused_and_not_echoed(text: str) -> None:
    (fault,) = faults(RETURN_ORIGINS=f"{APP},{text}")
    assert fault.startswith("RETURN_ORIGINS must be origins as browsers write them")
    assert "x.example" not in fault


def test_plain_http_may_name_this_machine_in_development_only() -> None:
    local = "http://localhost:5173,http://app.localhost:8080,http://127.0.0.1:3000,http://[::1]:3000"
    assert len(load(**DEVELOPMENT, RETURN_ORIGINS=local).return_origins) == 4
    for text in (*local.split(","), "http://app.example.com"):
        (fault,) = faults(RETURN_ORIGINS=text)
        assert fault.startswith("RETURN_ORIGINS must be https:// origins")
    for text in ("http://app.example.com", "http://localhost.example.com", "http://10.0.0.1"):
        (fault,) = faults(**DEVELOPMENT, RETURN_ORIGINS=text)
        assert fault.startswith("RETURN_ORIGINS must be https:// origins")


def test_service_is_no_application_of_its_own() -> None:
    (fault,) = faults(RETURN_ORIGINS=f"{APP},https://auth.example.com")
    assert fault.startswith("RETURN_ORIGINS must not hold PUBLIC_URL")


def test_application_on_another_port_of_the_service_stops_production_only() -> None:
    """It would get the refresh cookies of all people: cookies are not bound to a port (RFC 6265, 8.5)."""
    (fault,) = faults(RETURN_ORIGINS=f"{APP},https://auth.example.com:8443")
    assert fault.startswith("RETURN_ORIGINS must not name the host of PUBLIC_URL")
    beside = "http://auth.example.localhost:5173"
    assert load(**DEVELOPMENT, RETURN_ORIGINS=beside).return_origins == (beside,)


def test_verify_cookie_is_a_parent_domain_of_the_service_and_of_every_return_origin() -> None:
    settings = load(VERIFY_COOKIE="example.com", RETURN_ORIGINS=f"{APP},https://a.b.example.com:8443")
    assert settings.verify_cookie == "example.com"
    assert load(**DEVELOPMENT, VERIFY_COOKIE="example.localhost").verify_cookie == "example.localhost"
    for domain in ("ample.com", "other.example", "auth.example.com", "sub.auth.example.com"):
        (fault,) = faults(VERIFY_COOKIE=domain)
        assert fault.startswith("VERIFY_COOKIE must be a parent domain of PUBLIC_URL"), domain
        assert fault.endswith(" Not below it: auth.example.com."), domain
    for origin in ("https://app.example.org", "https://example.com", "https://notexample.com"):
        (fault,) = faults(VERIFY_COOKIE="example.com", RETURN_ORIGINS=f"{APP},{origin}")
        assert fault.startswith("VERIFY_COOKIE must be a parent domain of every origin"), origin
        assert fault.endswith(f" Not below it: {origin.removeprefix('https://')}."), origin


def test_verify_cookie_needs_https_unless_the_service_is_below_localhost() -> None:
    """Over plain http, Chromium keeps a Secure cookie of `auth.example.localhost`, and of no other host."""
    plain = DEVELOPMENT | {"PUBLIC_URL": "http://auth.example.test:8000"}
    (fault,) = faults(**plain, VERIFY_COOKIE="example.test")
    assert fault.startswith("VERIFY_COOKIE needs https in PUBLIC_URL")
    assert load(**plain).verify_cookie is None
    secure = plain | {"PUBLIC_URL": "https://auth.example.test"}
    assert load(**secure, VERIFY_COOKIE="example.test").verify_cookie == "example.test"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "com",
            "localhost",
            ".example.com",
            "example.com.",
            "Example.com",
            "https://example.com",
            "example.com:443",
        ),
        *(
            "example..com",
            "-example.com",
            "example.com/",
            "*.example.com",
            "192.0.2.1",
            "[::1]",
            "b\u00fccher.example",
        ),
        *(
            "example.com; Secure",
            "example.com,example.org",
            "example.com\r\nx",
            f"{'a' * 64}.com",
            f"{'a.' * 127}com",
        ),
    ],
)
def test_verify_cookie_is_a_domain_with_a_dot(text: str) -> None:
    (fault,) = faults(VERIFY_COOKIE=text)
    assert fault.startswith("VERIFY_COOKIE must be a domain with a dot")
    assert "no dot in front" in fault
