"""Return addresses: which addresses on other origins `next` may name, against an open-redirect corpus."""

import pytest

from pages.safety import DEFAULT_NEXT, safe_next
from tests.support.return_addresses import GOOD, HOSTILE, ORIGINS
from utils.web.return_addresses import is_on, origin_of


@pytest.mark.parametrize("address", GOOD)
def test_address_on_a_return_origin_is_taken_as_it_came(address: str) -> None:
    assert is_on(address, ORIGINS)
    assert safe_next(address, ORIGINS) == address
    assert not is_on(address, ())
    assert safe_next(address) == DEFAULT_NEXT


@pytest.mark.parametrize("address", HOSTILE)
def test_address_that_is_not_exactly_on_a_return_origin_is_refused(address: str) -> None:
    assert not is_on(address, ORIGINS)
    assert safe_next(address, ORIGINS) == DEFAULT_NEXT


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://app.example.com/a?b#c", "https://app.example.com"),
        ("https://APP.example.com:443/", "https://app.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("https://user@app.example.com/", None),
        ("https://app.example.com\\@evil.example/", None),
        ("https://app.example.com:x/", None),
        ("//app.example.com/", None),
        ("javascript://app.example.com/", None),
        ("app.example.com", None),
        ("null", None),
        ("", None),
    ],
)
def test_origin_of_a_url_is_written_as_browsers_write_it(address: str, found: str | None) -> None:
    assert origin_of(address) == found
