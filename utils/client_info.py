"""Facts of a request as plain values. Only routes use `flask.request`."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

MAX_USER_AGENT = 512


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """Address, user agent and id of a request."""

    address: str | None
    user_agent: str
    request_id: str

    @property
    def network(self) -> str:
        """Return the subject of rate limits: the IPv4 address, or the IPv6 /64 of a subscriber."""
        if self.address is None:
            return "unknown"
        if ":" in self.address:
            return str(ipaddress.ip_network((self.address, 64), strict=False))
        return self.address


@lru_cache(maxsize=1024)
def canonical_address(text: str | None) -> str | None:
    """Return the canonical form of an IP address, or None if the text is not an address.

    Some proxies append the port of the client; it is removed.
    """
    with_port = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?", text or "")
    bare = (with_port[1] or with_port[2]) if with_port else text
    try:
        address = ipaddress.ip_address(bare or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or ipaddress.IPv6Address(int(address))  # drops a zone id
    return str(address)


def printable(text: str) -> str:
    """Return a header's text for storage and logs: at most 512 characters, no control characters."""
    return "".join(c if c.isprintable() else " " for c in text[:MAX_USER_AGENT]).strip()
