"""Which addresses may be connected to when others choose the name (faults 38, 42)."""

import pytest

from utils.web.public_addresses import Reachable

PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "2606:2800:220:1:248:1893:25c8:1946",
    "2a00:1450:4001:81b::200e",
    "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822",  # NAT64 of a public one
    "2002:5db8:d822::1",  # 6to4 of a public one
    "::ffff:0:93.184.216.34",  # translated from a public one
]
NEVER = [  # whatever the settings say
    "169.254.169.254",
    "169.254.0.1",
    "169.254.170.2",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::5efe:169.254.169.254",
    "2606:2800:220:1:0:5efe:a9fe:a9fe",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "ff02::1",
]
LOOPBACK = ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
LOOPBACK += ["2002:7f00:1::1", "::ffff:0:127.0.0.1"]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "203.0.113.7",
    "fd12:3456:789a::1",
    "2001:db8::1",
    "100::1",
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "::10.0.0.1",
    "::ffff:0:10.0.0.1",
    "4000::1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:a00:1::1",
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",  # Teredo: the client is 10.0.0.1
    "2001:0:a00:1:8000:63bf:3fff:fdd2",  # Teredo: the server is 10.0.0.1
    "2606:2800:220:1:200:5efe:a00:1",  # ISATAP
]
EVERYTHING = Reachable.of(["0.0.0.0/0", "::/0"], loopback=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    assert Reachable().allows(address)


@pytest.mark.parametrize("address", NEVER + LOOPBACK + PRIVATE)
def test_fault_42_address_that_is_not_public_is_refused(address: str) -> None:
    assert not Reachable().allows(address)


@pytest.mark.parametrize("address", NEVER)
def test_link_local_and_metadata_addresses_are_refused_even_if_their_network_is_named(address: str) -> None:
    assert not EVERYTHING.allows(address)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_allowed_where_it_is_chosen_and_by_no_named_network(address: str) -> None:
    assert Reachable(loopback=True).allows(address)
    assert not Reachable.of(["0.0.0.0/0", "::/0"], loopback=False).allows(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_is_allowed_if_every_network_it_carries_is_named(address: str) -> None:
    assert EVERYTHING.allows(address)
    assert EVERYTHING.is_private(address)


def test_named_network_lets_in_its_addresses_only() -> None:
    reachable = Reachable.of(["10.1.0.0/16", "fd12::/16"], loopback=False)
    assert reachable.allows("10.1.2.3")
    assert reachable.allows("::ffff:10.1.2.3")
    assert reachable.allows("fd12::1")
    assert not reachable.allows("10.2.0.1")
    assert not reachable.allows("192.168.1.1")
    assert not reachable.is_private("93.184.216.34")


@pytest.mark.parametrize("text", ["", "localhost", "1", "0x7f.1", "2130706433", "10.0.0.1 ", "127.1"])
def test_text_that_is_no_address_is_refused(text: str) -> None:
    assert not EVERYTHING.allows(text)
