"""`RETURN_ORIGINS` and `VERIFY_COOKIE`: their parsers, and the conditions over both and `PUBLIC_URL`.

The screens may send a person back to the sites of `RETURN_ORIGINS`. `VERIFY_COOKIE` is the domain of a cookie
that proxies in front of these sites check.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from config_values import is_loopback, origin, words

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*|[0-9a-f.]*:[0-9a-f:.]*")
COVERS_TOO_LITTLE = (
    "VERIFY_COOKIE must be a parent domain of {}, such as example.com of https://app.example.com.{}"
)
NOT_KEPT = (
    "VERIFY_COOKIE needs https in PUBLIC_URL: its cookie is Secure. Only hosts below localhost may use http."
)


def return_origins(text: str) -> tuple[str, ...]:
    """Return origins, separated by commas, each written as browsers write it."""
    found = tuple(dict.fromkeys(words(text)))
    if not all(_is_exact(word) for word in found):
        raise ValueError(
            "must be origins as browsers write them, such as https://app.example.com: lower case, no default "
            "port, no slash at the end"
        )
    return found


def _is_exact(text: str) -> bool:
    try:
        return origin(text) == text and bool(_HOST.fullmatch(urlsplit(text).hostname or ""))
    except ValueError:  # its message is about PUBLIC_URL
        return False


def cookie_domain(text: str) -> str:
    """Return a domain that a cookie may name: at least two labels, and no IP address (RFC 6265, 5.1.3)."""
    if not _DOMAIN.fullmatch(text) or len(text) > 253 or text.rpartition(".")[2].isdigit():
        raise ValueError(
            "must be a domain with a dot, such as example.com: lower case, no dot in front, no scheme or port"
        )
    return text


def return_faults(settings: Mapping[str, Any]) -> list[str]:
    """Return the faults of both settings. A value is None if it is missing or could not be read."""
    public_url, origins = settings["public_url"] or "", settings["return_origins"] or ()
    production = settings["flask_env"] == "production"
    faults = []
    if any(not _is_secure(each, production=production) for each in origins):
        faults.append(
            "RETURN_ORIGINS must be https:// origins. Outside production, http:// may name this machine: "
            "localhost, a host below it, or 127.0.0.1."
        )
    if public_url in origins:
        faults.append("RETURN_ORIGINS must not hold PUBLIC_URL: no application shares the service's origin.")
    elif production and _host(public_url) in map(_host, origins):
        faults.append("RETURN_ORIGINS must not name the host of PUBLIC_URL: cookies do not tell ports apart.")
    if domain := settings["verify_cookie"]:
        faults += _cookie_faults(domain, public_url, origins)
    return faults


def _cookie_faults(domain: str, public_url: str, origins: Sequence[str]) -> Iterator[str]:
    if not _is_below(public_url, domain):
        yield COVERS_TOO_LITTLE.format("PUBLIC_URL", _not_below([public_url]))
    elif not _is_secure(public_url, production=False):  # its name begins with `__Secure-`
        yield NOT_KEPT
    if outside := [each for each in origins if not _is_below(each, domain)]:
        yield COVERS_TOO_LITTLE.format("every origin in RETURN_ORIGINS", _not_below(outside))


def _not_below(origins: Sequence[str]) -> str:
    hosts = dict.fromkeys(filter(None, map(_host, origins)))
    return f" Not below it: {', '.join(hosts)}." if hosts else ""


def _is_secure(origin_: str, *, production: bool) -> bool:
    host = _host(origin_)
    is_local = is_loopback(host) or host.endswith(".localhost")
    return urlsplit(origin_).scheme == "https" or (is_local and not production)


def _is_below(origin_: str, domain: str) -> bool:
    """Whether the host of this origin is below the domain: cookies of the domain are sent there."""
    return _host(origin_).endswith(f".{domain}")


def _host(origin_: str) -> str:
    return urlsplit(origin_).hostname or ""
