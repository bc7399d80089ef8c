"""Addresses of clients: which can be registered, which a request may name, and how two of them differ.

A request's address is compared byte for byte (RFC 9700, 4.1.3), but for the port of a loopback address of a
native client (RFC 8252, 7.3). There are no patterns.
"""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import parse_qsl, unquote

MAX_URI = 2000  # characters
MAX_COMPARED = 512  # characters, to find the nearest address
# Parameters of responses (RFC 6749, RFC 9207, OpenID Connect): the client would read the first one.
_RESPONSE = frozenset(
    "access_token code error error_description error_uri id_token iss request_id response session_state "
    "state".split()
)
_NEVER = frozenset("about blob data file filesystem javascript vbscript view-source".split())
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")  # RFC 3986, but "#"
_WEB = re.compile(r"(https?)://([^/?]*)(/[^?]*)?(?:\?(.*))?", re.DOTALL)
_PRIVATE = re.compile(r"([a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+):([^?]+)(?:\?(.*))?", re.DOTALL)
_AUTHORITY = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?")
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_LOOPBACK = re.compile(
    r"(http://(?:localhost|127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{0,4})?((?:[/?].*)?)", re.DOTALL
)
# In what is only explained, also with a port that is not valid.
_LOOPBACK_LOOSELY = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]*)?(?![^/?#])")
_PORT = re.compile(r"\A([^:/?#]+://(?:\[[^\]/?#]*\]|[^/?#:\[]*)):[0-9]*(?![^/?#])")
PORT_INVALID = "the port is not written as a number from 1 to 65535"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


def redirect_uri(text: str, *, native: bool = False) -> str:
    """Return an address that a client may be sent to. Raises `ValueError` with the fault as its text."""
    _check_text(text)
    web = _WEB.fullmatch(text)
    if web:
        _check_web(web)
        query = web[4]
    else:
        query = _private_query(text, native=native)
    names = {name.lower() for part in (query or "").split(";") for name, _ in _pairs(part)}
    if taken := sorted(names & _RESPONSE):
        raise ValueError(f"must not have {taken[0]} in its query, which is a parameter of the response")
    return text


def backchannel_uri(text: str, *, plain: bool = False) -> str:
    """Return an address that this service may call. With `plain`, http is allowed for every host."""
    _check_text(text)
    web = _WEB.fullmatch(text)
    if web is None:
        raise ValueError("must be an https:// URL")
    _check_web(web, plain=plain)
    return text


def page_uri(text: str) -> str:
    """Return the address of a client's own page. Raises `ValueError`."""
    _check_text(text)
    web = _WEB.fullmatch(text)
    if web is None:
        raise ValueError("must be an https:// URL")
    _check_web(web)
    return text


def document_uri(text: str) -> str:
    """Return the address of a document of a client, such as its terms. Raises `ValueError`."""
    if not text.startswith("https://"):
        raise ValueError("must be an https:// URL")
    return page_uri(text)


def resource_uri(text: str) -> str:
    """Return the identifier of a resource (RFC 8707, 2), without the slash of a bare host."""
    _check_text(text)
    web = _WEB.fullmatch(text)
    if web is None:
        raise ValueError("must be an https:// URL")
    _check_web(web)
    if web[4] is not None:
        raise ValueError("must not have a query")
    return text.removesuffix("/") if web[3] == "/" else text


def is_registered(asked: str, registered: Collection[str], *, native: bool = False) -> bool:
    """Return whether a request may name this address: identical, or a loopback address with another port.

    The rules of registration hold again, so that a row that was changed by hand leads nowhere.
    """
    try:
        redirect_uri(asked, native=native)
    except ValueError:
        return False
    if asked in registered:
        return True
    portless = _without_port(asked) if native else None
    return portless is not None and any(_without_port(each) == portless for each in registered)


def is_loopback(uri: str) -> bool:
    """Return whether the address leads to the person's own machine."""
    return _LOOPBACK.fullmatch(uri) is not None


def host_of(uri: str) -> str:
    """Return the host of a registered address for display, or the scheme of a private one."""
    web = _WEB.fullmatch(uri)
    return web[2] if web else uri.partition(":")[0]


def difference(asked: str, registered: Collection[str], *, native: bool = False) -> str:
    """Return in words how an address differs from the registered one that is nearest to it."""
    if not registered:
        return f"asked for {asked}, and none is registered"
    near = nearest(asked, registered, native=native)
    mine, theirs = comparable(asked, near, native=native)
    words = PORT_INVALID if asked != near and mine == theirs else _differs(mine, theirs)
    return f"asked for {asked}, registered is {near}: {words}"


def nearest(asked: str, registered: Collection[str], *, native: bool = False) -> str:
    """Return the registered address whose start and end, without the scheme, have most in common with it.

    For a loopback address of a native client, a loopback address comes first. Strangers choose
    what is asked for: the cost is a few comparisons of 512 characters for each address.
    """
    asked = asked[:MAX_COMPARED]

    def likeness(each: str) -> tuple[bool, int, str]:
        pair = asked, each[:MAX_COMPARED]
        are_local = native and all(map(_LOOPBACK_LOOSELY.match, pair))
        return are_local, _common(*comparable(*pair, native=native)), each

    return max(registered, key=likeness)


def comparable(asked: str, registered: str, *, native: bool) -> tuple[str, str]:
    """Return two addresses without their ports where a port is free: loopback addresses of native clients."""
    if not native or not any(_LOOPBACK_LOOSELY.match(each) for each in (asked, registered)):
        return asked, registered
    return _PORT.sub(r"\1", asked), _PORT.sub(r"\1", registered)


def _common(one: str, other: str) -> int:
    """Return how many characters two addresses share at start and end, without the scheme."""
    one, other = (each.partition("://")[2] or each for each in (one, other))
    start = _common_start(one, other)
    return start + _common_start(one[start:][::-1], other[start:][::-1])


def _common_start(one: str, other: str) -> int:
    """Return the length of the common start, by bisection."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _check_text(text: str) -> None:
    if len(text) > MAX_URI:
        raise ValueError(f"must be at most {MAX_URI} characters long")
    if "#" in text:
        raise ValueError("must not have a fragment (#)")
    if "*" in text.partition("?")[0]:
        raise ValueError("must not have a wildcard (*): register each address")
    if not _CHARACTERS.fullmatch(text):
        raise ValueError("must be a URL of ASCII letters, digits and the signs of RFC 3986")
    if re.search(r"%(?:[01][0-9A-Fa-f]|2[EeFf]|5[Cc]|7[Ff])", text.partition("?")[0]):
        raise ValueError("must not have an encoded dot, slash, backslash or control character in its path")
    if re.search(r"%(?:[01][0-9A-Fa-f]|7[Ff])", text):
        raise ValueError("must not have an encoded control character")


def _check_web(web: re.Match[str], *, plain: bool = False) -> None:
    scheme, authority, path = web[1], web[2], web[3] or ""
    if "@" in authority:
        raise ValueError("must not have a user name (@)")
    found = _AUTHORITY.fullmatch(authority)
    if found is None or (found[2] and int(found[2]) > 65535):
        raise ValueError("must have a host in lower-case ASCII, and a port from 1 to 65535 or none")
    _check_host(found[1])
    if scheme == "http" and found[1] not in LOOPBACK_HOSTS and not plain:
        raise ValueError("must begin with https://; http:// is for localhost, 127.0.0.1 and [::1]")
    if any(segment.partition(";")[0] in {".", ".."} for segment in path.split("/")):
        raise ValueError("must not have . or .. in its path")
    if "//" in path:
        raise ValueError("must not have an empty part in its path (//)")


def _check_host(host: str) -> None:
    if host.startswith("[") or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            raise ValueError("must have a valid IP address") from None
        if str(address) != host.strip("[]"):
            raise ValueError("must have its IP address in the usual form")
    elif not _NAME.fullmatch(host) or len(host) > 253:
        raise ValueError("must have a valid host name")


def _private_query(text: str, *, native: bool) -> str | None:
    """Return the query of an address with a private scheme (RFC 8252, 7.1)."""
    scheme = text.partition(":")[0].lower()
    if not native or scheme in _NEVER or scheme in {"http", "https"}:
        raise ValueError("must begin with https://, or with http:// for this machine")
    found = _PRIVATE.fullmatch(text)
    if found is None:
        raise ValueError("must begin with https:// or a scheme with a dot, such as com.example.app:/cb")
    return found[3]


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="replace")


def _without_port(uri: str) -> str | None:
    found = _LOOPBACK.fullmatch(uri)
    return found[1] + found[2] if found else None


def _differs(asked: str, registered: str) -> str:
    """Return the first difference that explains why the addresses are not the same."""
    if asked == registered:
        return "the same, but not allowed any more"
    checks = (
        (asked == registered + "/", "a slash at the end"),
        (asked + "/" == registered, "the slash at the end is missing"),
        (asked.strip() == registered, "a space at the start or the end"),
        (asked.lower() == registered.lower(), "capital letters"),
        (unquote(asked) == unquote(registered), "the encoding (%)"),
        (asked.partition("#")[0] == registered, "a fragment (#)"),
        (asked.partition("?")[0] == registered, "a query (?)"),
    )
    for is_so, words in checks:
        if is_so:
            return words
    return _differs_in_parts(asked, registered)


_LOOSE = re.compile(r"([^:/?#]*):(?://([^/?#]*))?([^?#]*)(.*)", re.DOTALL)


def _differs_in_parts(asked: str, registered: str) -> str:
    mine, theirs = _LOOSE.fullmatch(asked), _LOOSE.fullmatch(registered)
    if mine is None or theirs is None:
        return "not a complete address"
    parts = []
    (host, port), (their_host, their_port) = _host_and_port(mine[2]), _host_and_port(theirs[2])
    if mine[1] != theirs[1]:
        parts.append(f"the scheme ({mine[1]} for {theirs[1]})")
    if host != their_host:
        parts.append(f"the host ({host} for {their_host})")
    if port != their_port:
        parts.append(f"the port ({port or 'none'} for {their_port or 'none'})")
    if mine[3] != theirs[3]:
        parts.append(f"the path ({mine[3] or 'none'} for {theirs[3] or 'none'})")
    if mine[4] != theirs[4]:
        parts.append("the query")
    return ", ".join(parts)


def _host_and_port(authority: str | None) -> tuple[str, str]:
    found = re.fullmatch(r"(.*?)(?::([0-9]*))?", authority or "", re.DOTALL)
    return (found[1], found[2] or "") if found else ("", "")
