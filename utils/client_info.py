"""The facts of a request, as plain values. Nothing below the routes sees `request` itself."""

import ipaddress
from dataclasses import dataclass

MAX_USER_AGENT = 512


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """Who is calling, as far as the connection tells."""

    address: str | None
    user_agent: str
    request_id: str

    @property
    def network(self) -> str:
        """What counts as one caller: an IPv4 address, or an IPv6 /64, which one subscriber owns whole."""
        if self.address is None:
            return "unknown"
        if ":" in self.address:
            return str(ipaddress.ip_network((self.address, 64), strict=False))
        return self.address


def canonical_address(text: str | None) -> str | None:
    """One spelling for each address; None for what is not an address (a socket, a hostile header)."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or ipaddress.IPv6Address(int(address))  # drops a zone id
    return str(address)


def printable(text: str) -> str:
    """A header's text as it may be stored and logged: no control characters, and not too long."""
    return "".join(c if c.isprintable() else " " for c in text[:MAX_USER_AGENT]).strip()
