"""Which addresses the service may connect to when others choose the name (ASVS 1.3.6, 13.2.4)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Refused even if a private network that is named contains them.
_NEVER = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "169.254.0.0/16",  # link-local; the metadata service of most clouds
            "100.100.100.200/32",  # metadata service of Alibaba Cloud
            "168.63.129.16/32",  # of Azure, though the address is public
            "192.0.0.0/24",  # has that of Oracle Cloud
            "224.0.0.0/3",  # multicast, reserved, broadcast
            "::/128",
            "fe80::/10",
            "fec0::/10",
            "fd00:ec2::/32",  # metadata services of AWS
            "fd20:ce::/32",  # and of Google Cloud
            "ff00::/8",
        ),
    )
)
# Not public, though some versions of `ipaddress` say so.
_NOT_PUBLIC = tuple(
    map(ip_network, ("192.88.99.0/24", "64:ff9b:1::/48", "100::/64", "2001::/23", "3fff::/20", "5f00::/16"))
)
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0:0/96"))  # RFC 6052; RFC 2765, 2.1
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, 2.5.5.1
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214: bits 64 to 95
_IPV4 = 0xFFFFFFFF
_UNICAST = IPv6Network("2000::/3")  # all that IANA has assigned to global unicast


@dataclass(frozen=True, slots=True)
class Reachable:
    """The addresses that may be connected to: public ones, those of `private`, loopback ones if allowed."""

    private: tuple[Network, ...] = ()
    loopback: bool = False

    @classmethod
    def of(cls, private: Iterable[str], *, loopback: bool) -> Self:
        """Return the rule for these networks in CIDR notation."""
        return cls(tuple(map(ip_network, private)), loopback)

    def allows(self, text: str) -> bool:
        """Whether the address may be connected to. Every address that it carries must be allowed as well."""
        address = _parsed(text)
        return address is not None and all(self._allows(each) for each in carried(address))

    def is_private(self, text: str) -> bool:
        """Whether the address is allowed without being public: its network needs no TLS."""
        address = _parsed(text)
        return address is not None and not all(map(_is_public, carried(address))) and self.allows(text)

    def _allows(self, address: Address) -> bool:
        if any(address in network for network in _NEVER):
            return False
        if address.is_loopback:
            return self.loopback
        return _is_public(address) or any(address in network for network in self.private)


def carried(address: Address) -> Iterator[Address]:
    """Yield the addresses that this one stands for: itself, or the IPv4 addresses that it carries."""
    if isinstance(address, IPv4Address) or address.is_loopback:
        yield address
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address.sixtofour:
        yield address.sixtofour
    elif address.teredo:
        yield from address.teredo
    elif _ends_in_ipv4(address):
        yield IPv4Address(int(address) & _IPV4)
    else:
        yield address


def _ends_in_ipv4(address: IPv6Address) -> bool:
    number = int(address)
    is_translated = any(address in network for network in _TRANSLATED)
    return is_translated or (address in _COMPATIBLE and number > 1) or number >> 32 & _IPV4 in _ISATAP


def _is_public(address: Address) -> bool:
    is_assigned = isinstance(address, IPv4Address) or address in _UNICAST
    return is_assigned and address.is_global and not any(address in network for network in _NOT_PUBLIC)


def _parsed(text: str) -> Address | None:
    """Return the address without a scope, which only link-local ones have; None for any other text."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
