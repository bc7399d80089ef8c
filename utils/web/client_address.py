"""The address of the client behind proxies: which header is believed, and which of its entries."""

import re
from typing import Any

PEER = "auth.peer_address"
MAX_ENTRY = 64  # characters; an IPv6 address with a zone id and a port has fewer

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = rf'{_TOKEN}=(?:{_TOKEN}|"(?:[^"\\]|\\.)*")'
_ELEMENT = rf"{_PAIR}(?:;{_PAIR})*"
_FORWARDED = re.compile(rf"{_ELEMENT}(?:[ \t]*,[ \t]*{_ELEMENT})*")


def with_client_address(wsgi_app: Any, header: str, hops: int) -> Any:
    """Wrap an application: `REMOTE_ADDR` is the entry of the header that is `hops` from the end.

    Without a valid entry the request has no address, so that it does not get the address of the proxy. WSGI
    writes `-` and `_` in names of headers alike: `header` is safe from a forged spelling if it has no hyphen.
    """
    key = f"HTTP_{header.upper().replace('-', '_')}"
    entries_of = forwarded_entries if header.lower() == "forwarded" else list_entries

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        environ[PEER] = environ.get("REMOTE_ADDR")
        environ["REMOTE_ADDR"] = entry_from_end(entries_of(environ.get(key, "")), hops)
        return wsgi_app(environ, start_response)

    return application


def entry_from_end(entries: list[str], hops: int) -> str:
    """Return the entry that is `hops` from the end, or "" if there is none or it is too long."""
    entry = entries[-hops] if len(entries) >= hops else ""
    return entry if len(entry) <= MAX_ENTRY else ""


def list_entries(value: str) -> list[str]:
    """Return the entries of a list separated by commas, such as `X-Forwarded-For`.

    Quotes have no meaning there: a quote that a client sends does not hide the entries after it.
    """
    return [entry.strip() for entry in value.split(",")]


def forwarded_entries(value: str) -> list[str]:
    """Return the `for` of each element of a `Forwarded` header (RFC 7239, 4), "" for an element without one.

    A value that does not match the grammar has no entries: an open quote would change what follows it.
    """
    if not _FORWARDED.fullmatch(value):
        return []
    return [_node(element[0]) for element in re.finditer(_ELEMENT, value)]


def _node(element: str) -> str:
    found = [pair[0] for pair in re.finditer(_PAIR, element) if pair[0].lower().startswith("for=")]
    if len(found) != 1:
        return ""
    text = found[0].partition("=")[2]
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
