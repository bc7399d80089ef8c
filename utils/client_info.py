"""The facts of a request, as plain values. Nothing below the routes sees `request` itself."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

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


@lru_cache(maxsize=1024)
def canonical_address(text: str | None) -> str | None:
    """One spelling for each address; None for what is not an address (a socket, a hostile header).

    Some proxies write the caller's port behind it; that is no part of who is calling.
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
    """A header's text as it may be stored and logged: no control characters, and not too long."""
    return "".join(c if c.isprintable() else " " for c in text[:MAX_USER_AGENT]).strip()
