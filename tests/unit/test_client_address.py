"""The address of the client behind proxies, as a function of the header."""

from typing import Any

import pytest

from utils.web.client_address import PEER, forwarded_entries, with_client_address


def address(header: str, hops: int, sent: dict[str, str]) -> str:
    """Return the address that an application sees. `sent` has the names as clients and proxies write them."""
    seen: dict[str, Any] = {}
    application = with_client_address(lambda environ, _: seen.update(environ) or [], header, hops)
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()}
    application({"REMOTE_ADDR": "10.0.0.1"} | headers, None)
    assert seen[PEER] == "10.0.0.1"
    return str(seen["REMOTE_ADDR"])


@pytest.mark.parametrize("header", ["Clientaddress", "Forwarded"])
def test_underscore_header_does_not_change_the_address(header: str) -> None:
    own = "for=192.0.2.1" if header == "Forwarded" else "192.0.2.1"
    sent = {header: own}
    forged = {
        "X_Forwarded_For": "203.0.113.9",
        "X-Forwarded-For": "203.0.113.9",
        "Client_address": "203.0.113.9",
    }
    assert address(header, 1, sent | forged) == address(header, 1, forged | sent) == "192.0.2.1"


def test_underscore_spelling_of_a_hyphenated_header_is_the_same_header() -> None:
    """The reason for a header without a hyphen: WSGI cannot tell the two names apart."""
    sent = {"X-Forwarded-For": "192.0.2.1", "X_Forwarded_For": "203.0.113.9"}
    assert address("X-Forwarded-For", 1, sent) == "203.0.113.9"


@pytest.mark.parametrize(
    ("value", "hops", "expected"),
    [
        ("192.0.2.1", 1, "192.0.2.1"),
        ("203.0.113.9,192.0.2.1", 1, "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1 , 192.0.2.2", 2, "192.0.2.1"),
        ("192.0.2.1", 2, ""),
        ("", 1, ""),
        ('203.0.113.9, "192.0.2.7, 192.0.2.1', 1, "192.0.2.1"),
        ("1" * 65, 1, ""),
    ],
)
def test_entry_is_counted_from_the_end(value: str, hops: int, expected: str) -> None:
    assert address("Clientaddress", hops, {"Clientaddress": value}) == expected


def test_missing_header_gives_no_address() -> None:
    assert address("Clientaddress", 1, {"X-Forwarded-For": "203.0.113.9"}) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=192.0.2.1", ["192.0.2.1"]),
        ('For="[2001:db8::1]:4711";proto=https', ["[2001:db8::1]:4711"]),
        ("for=203.0.113.9, by=x;FOR=192.0.2.1", ["203.0.113.9", "192.0.2.1"]),
        (r'for="\1\92.0.2.1"', ["192.0.2.1"]),
        ('by="for=203.0.113.9, x";for=192.0.2.1', ["192.0.2.1"]),
        ("proto=https", [""]),
        ("for=203.0.113.9;for=192.0.2.1", [""]),
        ('for=203.0.113.9;x=", for=192.0.2.1', []),
        ('x=", for="[2001:db8::1]"', []),
        ("192.0.2.1", []),
        ("", []),
        ("for=1;" * 5_000, []),
    ],
)
def test_forwarded_header_is_read_as_rfc_7239(value: str, expected: list[str]) -> None:
    assert forwarded_entries(value) == expected
