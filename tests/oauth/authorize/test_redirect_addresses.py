"""Redirect addresses of requests: which may be named, how they differ, and the answer in them."""

import pytest

from oauth.authorize import errors, redirects
from oauth.authorize.request import (
    read,
    target_of,
)
from tests.support.authorization_requests import CALLBACK, SNAPSHOT, authorization_query
from tests.support.service import START


def test_target_needs_an_enabled_client_that_logs_people_in() -> None:
    parameters = read(authorization_query())
    for client, expected in (
        (None, errors.ClientUnknown),
        (SNAPSHOT._replace(disabled_at=START), errors.ClientDisabled),
        (SNAPSHOT._replace(kind="resource"), errors.ClientNotForLogins),
    ):
        with pytest.raises(expected):
            target_of(parameters, client)
    for given in (None, ""):
        with pytest.raises(errors.RedirectUriMissing):
            target_of(read(authorization_query(redirect_uri=given)), SNAPSHOT)


NEAR_MISSES = [
    f"{CALLBACK}/",
    f"{CALLBACK}?",
    f"{CALLBACK}#",
    f"{CALLBACK}#x",
    f"{CALLBACK}?a=1",
    f"{CALLBACK};",
    f"{CALLBACK} ",
    "https://app.example.com",
    "https://app.example.com/",
    "https://app.example.com/CB",
    "/cb",
    "//app.example.com/cb",
    "HTTPS://app.example.com/cb",
    "https://APP.example.com/cb",
    "http://app.example.com/cb",
    "https:/app.example.com/cb",
    "https://app.example.com:443/cb",
    "https://app.example.com:444/cb",
    "https://app.example.com./cb",
    "https://app.example.com/./cb",
    "https://app.example.com/x/../cb",
    "https://app.example.com/..;/cb",
    "https://app.example.com//cb",
    "https://app.example.com/%63b",
    "https://app.example.com/cb%00",
    f"{CALLBACK}%0a",
    "https://app.example.com/cb/..",
    "https://app.example.com/%2e%2e/cb",
    "https://app.example.com\\cb",
    "https://a@app.example.com/cb",
    "https://app.example.com@evil.example/cb",
    "https://app.example.com%40evil.example/cb",
    "https://evil.example/cb",
    "https://app.example.com.evil.example/cb",
    "https://evil.example/https://app.example.com/cb",
    "https://xapp.example.com/cb",
    "https://app-example.com/cb",
    "https://\u0430pp.example.com/cb",
    "https://app.ex\u00e4mple.com/cb",
    f" {CALLBACK}",
    f"\t{CALLBACK}",
    f"{CALLBACK}\n",
    f"{CALLBACK}\r\nX: y",
    f"{CALLBACK}\x01",
    f"{CALLBACK},{CALLBACK}",
    "https://app.example.com/cb/../../x",
    "https://app.example.com:0443/cb",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "vbscript:x",
    "blob:https://app.example.com/x",
    "https://app.example.com/cb*",
    "https://*.example.com/cb",
    "*",
    "https://app.example.com/cb|x",
    "https://[::1]/cb",
    "http://localhost/cb",
    "http://127.0.0.1/cb",
    "https://app.example.com/c",
    "https://app.example.com/cbb",
]


@pytest.mark.parametrize("address", NEAR_MISSES)
@pytest.mark.parametrize("kind", ["web", "native"])
def test_fault_8_redirect_uri_that_is_nearly_registered(address: str, kind: str) -> None:
    with pytest.raises(errors.RedirectUriMismatch):
        target_of(read(authorization_query(redirect_uri=address)), SNAPSHOT._replace(kind=kind))


def test_near_misses_are_many() -> None:
    assert len(NEAR_MISSES) == len(set(NEAR_MISSES)) >= 60


def test_fault_12_scheme_that_runs_code_is_refused_when_it_is_used() -> None:
    for address in ("javascript:alert(1)", "data:text/html,x", "vbscript:x", "JavaScript:alert(1)"):
        client = SNAPSHOT._replace(redirect_uris=[address], kind="native")
        with pytest.raises(errors.RedirectUriMismatch):
            target_of(read(authorization_query(redirect_uri=address)), client)


@pytest.mark.parametrize("name", ["code", "state", "iss", "error", "id_token", "request_id", "CODE"])
def test_fault_9_address_that_has_parameters_of_the_answer_is_refused_when_used(name: str) -> None:
    address = f"{CALLBACK}?{name}=x"
    asked = read(authorization_query(redirect_uri=address))
    with pytest.raises(errors.RedirectUriMismatch):
        target_of(asked, SNAPSHOT._replace(redirect_uris=[address]))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_port_of_a_loopback_address_may_differ_for_native_clients(host: str) -> None:
    client = SNAPSHOT._replace(redirect_uris=[f"http://{host}/cb"], kind="native")
    asked = authorization_query(redirect_uri=f"http://{host}:49152/cb")
    assert target_of(read(asked), client).redirect_uri == f"http://{host}:49152/cb"
    with pytest.raises(errors.RedirectUriMismatch):
        target_of(read(asked), client._replace(kind="web"))
    with pytest.raises(errors.RedirectUriMismatch):
        target_of(read(authorization_query(redirect_uri=f"http://{host}:49152/cb/")), client)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (CALLBACK, f"{CALLBACK}?code=a%20b%26c&iss=i"),
        (f"{CALLBACK}?a=1", f"{CALLBACK}?a=1&code=a%20b%26c&iss=i"),
        (f"{CALLBACK}?", f"{CALLBACK}?code=a%20b%26c&iss=i"),
        ("com.example.app:/cb", "com.example.app:/cb?code=a%20b%26c&iss=i"),
    ],
)
def test_answer_joins_the_query_that_is_there(address: str, expected: str) -> None:
    assert redirects.with_answer(address, {"code": "a b&c", "state": None, "iss": "i"}) == expected


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (f"{CALLBACK}/", "a slash at the end is not registered"),
        ("https://app.example.com/CB", "capital letters differ"),
        ("http://app.example.com/cb", "the scheme differs"),
        ("https://other.example.com/callback", "the host, the path differ"),
        ("https://app.example.com:8443/cb", "the port differs"),
        (f"{CALLBACK}?next=1", "the query differs"),
        ("https://app.example.com:x/cb", "it is no complete address"),
    ],
)
def test_difference_in_words_has_no_value(asked: str, words: str) -> None:
    assert redirects.difference_in_words(asked, [CALLBACK]) == words
    assert redirects.difference_in_words(asked, []) == "no address is registered"


@pytest.mark.parametrize(
    ("asked", "native", "web"),
    [
        ("http://127.0.0.1:5/x", "the path differs", "the port, the path differ"),
        ("http://localhost:5/cb", "the host differs", "the host, the port differ"),
        ("http://127.0.0.1:5/cb/", "a slash at the end is not registered", "the port, the path differ"),
        ("http://127.0.0.1:0/cb", "the port is not written as a number from 1 to 65535", None),
    ],
)
def test_difference_in_words_names_the_port_only_where_it_counts(
    asked: str, native: str, web: str | None
) -> None:
    registered = ["http://127.0.0.1:8000/cb"]
    assert redirects.difference_in_words(asked, registered, native=True) == native
    if web:
        only = "; the port is free for native clients only"
        assert redirects.difference_in_words(asked, registered) == web + only
