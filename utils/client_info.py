"""Facts of a request as plain values. Only routes use `flask.request`."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

MAX_USER_AGENT = 512
# Networks that a subscriber may have the whole of, narrowest first, and how many times the quota of a /64
# each may use. Without the wider ones a /48 would have the quota of 65,536 subscribers.
IPV6_SHARES = {64: 1, 56: 8, 48: 64}


class Subject(NamedTuple):
    """A subject of rate limits: a network or an account. It has `share` times the quota of a policy."""

    key: str
    share: int = 1


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """Address, user agent and id of a request."""

    address: str | None
    user_agent: str
    request_id: str

    @property
    def network(self) -> str:
        """Return the IPv4 address, or the IPv6 /64 of a subscriber."""
        return self.subjects[0].key

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Return the subjects of rate limits (`subjects_of`)."""
        return subjects_of(self.address)


@lru_cache(maxsize=1024)
def subjects_of(address: str | None) -> tuple[Subject, ...]:
    """Return the subjects of rate limits of this address: itself, or its IPv6 networks, narrowest first."""
    if address is None:
        return (Subject("unknown"),)
    if ":" not in address:
        return (Subject(address),)
    return tuple(
        Subject(str(ipaddress.ip_network((address, prefix), strict=False)), share)
        for prefix, share in IPV6_SHARES.items()
    )


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
    text = text[:MAX_USER_AGENT]
    if not text.isprintable():  # else nothing is replaced, as of nearly every text
        text = "".join(c if c.isprintable() else " " for c in text)
    return text.strip()
