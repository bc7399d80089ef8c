"""Addresses of clients: registration, comparison, differences in words."""

from time import process_time

import pytest

from utils.web import redirect_uris
from utils.web.redirect_uris import difference, is_registered, nearest, redirect_uri

REGISTERED = "https://app.example.com/cb"
NEAR_MISSES = [
    "https://app.example.com/cb/",
    "https://app.example.com/CB",
    "https://app.example.com/Cb",
    "https://APP.example.com/cb",
    "HTTPS://app.example.com/cb",
    "http://app.example.com/cb",
    "https:/app.example.com/cb",
    "https:app.example.com/cb",
    "//app.example.com/cb",
    "app.example.com/cb",
    "/cb",
    "",
    " https://app.example.com/cb",
    "https://app.example.com/cb ",
    "https://app.example.com/cb\n",
    "https://app.example.com/cb\r\nSet-Cookie: a=b",
    "https://app.example.com/cb\x00",
    "https://app.example.com/cb\t",
    "https://app.example.com:443/cb",
    "https://app.example.com:/cb",
    "https://app.example.com:8443/cb",
    "https://app.example.com:0/cb",
    "https://app.example.com:99999/cb",
    "https://app.example.com./cb",
    "https://app.example.com//cb",
    "https://app.example.com/./cb",
    "https://app.example.com/x/../cb",
    "https://app.example.com/cb/..",
    "https://app.example.com/cb/..;/",
    "https://app.example.com/..;/cb",
    "https://app.example.com/cb/.;/",
    "https://app.example.com/cb/%2e%2e",
    "https://app.example.com/cb/%2E%2E/x",
    "https://app.example.com/cb%2f",
    "https://app.example.com/cb%5c",
    "https://app.example.com/%63b",
    "https://app.example.com/cb%00",
    "https://app.example.com/cb%0d%0a",
    "https://app.example.com/cb%20",
    "https://app.example.com/cb%",
    "https://app.example.com\\cb",
    "https://app.example.com\\@evil.example/cb",
    "https://app.example.com/cb\\",
    "https://user@app.example.com/cb",
    "https://user:pass@app.example.com/cb",
    "https://app.example.com@evil.example/cb",
    "https://evil.example/app.example.com/cb",
    "https://evil.example/https://app.example.com/cb",
    "https://app.example.com.evil.example/cb",
    "https://evil-app.example.com/cb",
    "https://xapp.example.com/cb",
    "https://example.com/cb",
    "https://sub.app.example.com/cb",
    "https://app.example.com/cb2",
    "https://app.example.com/c",
    "https://app.example.com/",
    "https://app.example.com",
    "https://app.example.com/cb?",
    "https://app.example.com/cb?x=1",
    "https://app.example.com/cb?code=stolen",
    "https://app.example.com/cb#",
    "https://app.example.com/cb#fragment",
    "https://app.example.com/cb;x",
    "https://app.example.com/*",
    "https://*.example.com/cb",
    "https://\u0430pp.example.com/cb",
    "https://app。example.com/cb",
    "https://app.example.com/cb\u200b",
    "https://xn--pp-7kc.example.com/cb",
    "javascript:alert(1)",
    "javascript://app.example.com/cb",
    "data:text/html,x",
    "file:///cb",
    "com.example.app:/cb",
]


def test_fault_8_near_misses_of_a_registered_address_are_refused() -> None:
    assert len(NEAR_MISSES) >= 60
    assert is_registered(REGISTERED, [REGISTERED])
    for native in (False, True):
        found = [each for each in NEAR_MISSES if is_registered(each, [REGISTERED], native=native)]
        assert found == []


@pytest.mark.parametrize(
    ("asked", "registered", "native", "allowed"),
    [
        ("http://127.0.0.1:51234/cb", "http://127.0.0.1/cb", True, True),
        ("http://localhost:1/cb", "http://localhost:8080/cb", True, True),
        ("http://[::1]:65535/cb", "http://[::1]/cb", True, True),
        ("http://localhost/cb", "http://localhost:8080/cb", True, True),
        ("http://localhost:51234/cb", "http://localhost/cb", False, False),
        ("http://localhost:51234/cb", "http://127.0.0.1/cb", True, False),
        ("http://localhost:51234/cb/", "http://localhost/cb", True, False),
        ("http://localhost:51234/cb?x=1", "http://localhost/cb", True, False),
        ("http://localhost:0/cb", "http://localhost/cb", True, False),
        ("http://localhost:65536/cb", "http://localhost/cb", True, False),
        ("http://localhost:080/cb", "http://localhost/cb", True, False),
        ("http://localhost:80@evil.example/cb", "http://localhost/cb", True, False),
        ("http://localhost.evil.example:80/cb", "http://localhost/cb", True, False),
        ("https://localhost:51234/cb", "https://localhost/cb", True, False),
        ("http://127.0.0.2:51234/cb", "http://127.0.0.1/cb", True, False),
        ("https://app.example.com:8443/cb", "https://app.example.com/cb", True, False),
        ("com.example.app:/cb", "com.example.app:/cb", True, True),
        ("com.example.app:/cb", "com.example.app:/cb", False, False),
        ("com.example.app:/CB", "com.example.app:/cb", True, False),
    ],
)
def test_only_the_port_of_a_loopback_address_of_a_native_client_may_differ(
    asked: str, registered: str, native: bool, allowed: bool
) -> None:
    assert is_registered(asked, [registered], native=native) is allowed


@pytest.mark.parametrize(
    ("uri", "without"),
    [
        ("http://localhost:80/cb", "http://localhost/cb"),
        ("http://localhost:80@evil.example/cb", None),
        ("http://localhost:x/cb", None),
        ("http://localhost.evil.example/cb", None),
        ("https://localhost/cb", None),
    ],
)
def test_only_the_port_differs_in_what_is_compared(uri: str, without: str | None) -> None:
    assert redirect_uris._without_port(uri) == without


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com:8443/cb?tenant=1",
        "https://xn--pp-7kc.example.com/cb",
        "https://192.0.2.1/cb",
        "https://[2001:db8::1]/cb",
        "http://localhost/cb",
        "http://127.0.0.1:3000/cb",
        "http://[::1]:3000",
        "https://app.example.com/a%20b/c;v=1",
    ],
)
def test_good_address_can_be_registered(uri: str) -> None:
    assert redirect_uri(uri) == uri


@pytest.mark.parametrize("name", sorted(redirect_uris._RESPONSE))
def test_fault_9_parameters_of_the_response_cannot_be_in_a_registered_query(name: str) -> None:
    encoded = f"%{ord(name[0]):02x}{name[1:]}"
    for query in (f"{name}=x", f"a=1&{name}=", name, f"a=1;{name}=x", f"{encoded}=x", f"{name.upper()}=x"):
        with pytest.raises(ValueError, match="query"):
            redirect_uri(f"https://app.example.com/cb?{query}")


SCHEMES = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "javascript://app.example.com/%0aalert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "vbscript:x",
    "blob:https://app.example.com/x",
    "view-source:https://app.example.com",
    "about:blank",
    "myapp:/cb",
    "ftp://app.example.com/cb",
    "ws://app.example.com/cb",
    "http://app.example.com/cb",
    "http://192.168.1.1/cb",
    "http://localhost.example.com/cb",
    "http://2130706433/cb",
    "http://0x7f.0.0.1/cb",
    "http://127.1/cb",
    "https://0300.0.0.1/cb",
    "https://[::ffff:7f00:1]:x/cb",
    "https://-app.example.com/cb",
    "https:///cb",
    "https://",
    "com.example.app:",
    "https://app.example.com/" + "a" * 2000,
]


@pytest.mark.parametrize("uri", SCHEMES)
def test_fault_12_unsafe_address_is_refused_at_registration_and_when_used(uri: str) -> None:
    for native in (False, True):
        with pytest.raises(ValueError, match=r"^(must|is)"):
            redirect_uri(uri, native=native)
        assert not is_registered(uri, [uri], native=native)


def fault_of(uri: str) -> str:
    try:
        redirect_uri(uri)
    except ValueError as fault:
        return str(fault)
    return ""


def test_fault_of_an_address_never_quotes_it() -> None:
    for uri in filter(None, [*SCHEMES, *NEAR_MISSES]):
        assert uri not in fault_of(uri), uri


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("https://app.example.com/cb/", "a slash at the end"),
        ("https://app.example.com/CB", "capital letters"),
        ("https://app.example.com/%63b", "the encoding (%)"),
        ("https://app.example.com/cb ", "a space at the start or the end"),
        ("https://app.example.com/cb#x", "a fragment (#)"),
        ("https://app.example.com/cb?x=1", "a query (?)"),
        ("http://app.example.com/cb", "the scheme (http for https)"),
        ("https://app.example.org/cb", "the host (app.example.org for app.example.com)"),
        ("https://app.example.com:8443/cb", "the port (8443 for none)"),
        ("https://app.example.com/callback", "the path (/callback for /cb)"),
        (
            "http://app.example.com:80/x",
            "the scheme (http for https), the port (80 for none), the path (/x for /cb)",
        ),
    ],
)
def test_difference_names_what_differs_from_the_nearest_address(asked: str, words: str) -> None:
    registered = ["https://other.example.net/oidc", REGISTERED]
    assert difference(asked, registered) == f"asked for {asked}, registered is {REGISTERED}: {words}"


def test_difference_of_a_missing_slash_and_of_nothing_registered() -> None:
    assert difference("https://a.example/cb", ["https://a.example/cb/"]).endswith(
        "the slash at the end is missing"
    )
    assert difference("https://a.example/cb", []) == "asked for https://a.example/cb, and none is registered"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("http://127.0.0.1:5000/callback", "the path (/callback for /cb)"),
        ("http://127.0.0.1:5000/cb/", "a slash at the end"),
        ("http://[::1]:5000/cb", "the host ([::1] for 127.0.0.1)"),
        ("https://127.0.0.1:5000/cb", "the scheme (https for http)"),
        ("http://127.0.0.1:0/cb", "the port is not written as a number from 1 to 65535"),
        ("http://127.0.0.1:/cb", "the port is not written as a number from 1 to 65535"),
        ("http://127.0.0.1:99999/cb", "the port is not written as a number from 1 to 65535"),
    ],
)
def test_difference_of_a_native_client_does_not_name_a_port_that_is_free(asked: str, words: str) -> None:
    registered = ["https://app.example.com:8443/cb", "http://127.0.0.1:8000/cb"]
    expected = f"asked for {asked}, registered is {registered[1]}: {words}"
    assert difference(asked, registered, native=True) == expected


def test_port_of_a_loopback_address_counts_for_other_clients_and_other_hosts() -> None:
    assert difference("http://localhost:1/cb", ["http://localhost:2/cb"]).endswith("the port (1 for 2)")
    asked, registered = "https://app.example.com:1/cb", "https://app.example.com:2/cb"
    assert difference(asked, [registered], native=True).endswith("the port (1 for 2)")
    found = difference("http://localhost:5/cb", [registered], native=True)
    assert found.endswith("the scheme (http for https), the host (localhost for app.example.com)")


def test_nearest_address_costs_little_whatever_is_asked_for() -> None:
    registered = [f"https://app.example.com/{i:03}/" + "ab" * 980 for i in range(500)]
    before = process_time()
    assert nearest("https://app.example.com/007/" + "ba" * 4000, registered) == registered[7]
    assert process_time() - before < 0.2


def test_difference_takes_any_text() -> None:
    for uri in [*SCHEMES, *NEAR_MISSES, "\x00", "::", "a" * 100_000]:
        assert difference(uri, [REGISTERED])
        assert difference(uri, [REGISTERED, "http://localhost/cb"], native=True)
