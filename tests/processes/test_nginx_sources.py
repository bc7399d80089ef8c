"""The sources whose requests the shipped nginx configuration counts together."""

import re
from collections.abc import Iterator
from http.client import HTTPConnection
from ipaddress import IPv6Address
from itertools import product

import pytest

from tests.support.proxies import DEPLOY, running_nginx
from tests.support.server import DEADLINE, free_port, until

pytestmark = pytest.mark.slow

SITE = """
    {source}
    server {{
        listen 127.0.0.1:{port};
        set_real_ip_from 127.0.0.1;
        real_ip_header Address;
        location / {{
            return 200 "$remote_addr $auth_source";
        }}
    }}
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Yield the port of an nginx that answers with the address that a header says, and its source."""
    found, port = re.findall(r"^map \$remote_addr .*?^}$", shipped(), re.MULTILINE | re.DOTALL), free_port()
    assert len(found) == 1
    with running_nginx(tmp_path_factory.mktemp("nginx"), SITE.format(source=found[0], port=port)):
        until(lambda: source(port, "192.0.2.1"), "nginx to answer")
        yield port


def shipped() -> str:
    return (DEPLOY / "nginx" / "auth.conf").read_text("utf-8")


def source(port: int, address: str) -> str:
    """Return the source of a caller with this address; an empty string without an answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("GET", "/", headers={"Address": address})
        told, _, key = connection.getresponse().read().decode().partition(" ")
    except OSError:
        return ""
    finally:
        connection.close()
    assert told == address
    return key


def test_addresses_of_an_ipv6_64_are_one_source(port: int) -> None:
    """For every pattern of groups that are zero, as these decide how an address is written."""
    for pattern in product((0, 1), repeat=7):
        groups = [0x2001, *(filled * (0xDB8 + place) for place, filled in enumerate(pattern))]
        number = int("".join(f"{group:04x}" for group in groups), 16)
        assert source(port, str(IPv6Address(number))) == ":".join(f"{group:x}" for group in groups[:4])


@pytest.mark.parametrize("address", ["192.0.2.1", "::ffff:192.0.2.1", "::1"])
def test_other_addresses_are_sources_of_their_own(port: int, address: str) -> None:
    assert source(port, address) == address


def test_requests_are_limited_by_source() -> None:
    assert "limit_conn_zone $auth_source zone=auth_source:" in shipped()
    assert re.search(r"^    limit_conn auth_source \d+;", shipped(), re.MULTILINE)
