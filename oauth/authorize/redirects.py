"""Redirect addresses when they are used: what a person is told of them, and the answer in them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import quote, urlencode, urlsplit

from utils.web import redirect_uris


class Kind(StrEnum):
    """What receives the answer."""

    WEB = "web"  # a host, by https
    LOOPBACK = "loopback"  # a program on the person's own computer
    APP = "app"  # an application that has taken a private scheme


def kind_of(redirect_uri: str) -> Kind:
    """Return what receives the answer at this address."""
    if redirect_uris.is_loopback(redirect_uri):
        return Kind.LOOPBACK
    return Kind.WEB if redirect_uri.startswith("https://") else Kind.APP


def hosts(registered: Sequence[str]) -> list[str]:
    """Return the hosts and private schemes of addresses, each once; all loopback addresses are one."""
    return sorted(
        {
            "loopback" if redirect_uris.is_loopback(each) else redirect_uris.host_of(each)
            for each in registered
        }
    )


def with_answer(redirect_uri: str, answer: Mapping[str, str | None]) -> str:
    """Return the address with these parameters behind the query that it has (RFC 6749, 3.1.2)."""
    given = {name: value for name, value in answer.items() if value is not None}
    joint = "" if redirect_uri.endswith(("?", "&")) else "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{joint}{urlencode(given, quote_via=quote)}"


def document(uri: str | None) -> str | None:
    """Return the address of a client's document for a link, None if it has none that may be one."""
    try:
        return redirect_uris.document_uri(uri) if uri else None
    except ValueError:  # the row was changed by hand
        return None


def difference_in_words(asked: str, registered: Sequence[str], *, native: bool = False) -> str:
    """Return in which parts an address differs from the nearest registered one, without a value of either.

    The port of a loopback address is free for native clients, and is not named as a difference.
    """
    if not registered:
        return "no address is registered"
    asked = asked[: redirect_uris.MAX_URI]
    near = redirect_uris.nearest(asked, registered, native=native)
    mine, theirs = redirect_uris.comparable(asked, near, native=native)
    if asked != near and mine == theirs:
        return redirect_uris.PORT_INVALID
    words = _differing(mine, theirs)
    if not native and "the port" in words and all(map(redirect_uris.is_loopback, (asked, near))):
        words += "; the port is free for native clients only"
    return words


def _differing(asked: str, nearest: str) -> str:
    if asked == f"{nearest}/":
        return "a slash at the end is not registered"
    if f"{asked}/" == nearest:
        return "a slash at the end is missing"
    if asked.lower() == nearest.lower():
        return "capital letters differ"
    try:
        mine, theirs = urlsplit(asked), urlsplit(nearest)
        parts = {
            "the scheme": (mine.scheme, theirs.scheme),
            "the host": (mine.hostname, theirs.hostname),
            "the port": (mine.port, theirs.port),
            "the path": (mine.path, theirs.path),
            "the query": (mine.query, theirs.query),
            "the fragment": (mine.fragment, theirs.fragment),
        }
    except ValueError:
        return "it is no complete address"
    differing = [name for name, (one, other) in parts.items() if one != other]
    return f"{', '.join(differing) or 'the notation'} {'differ' if len(differing) > 1 else 'differs'}"
