"""`flask auth doctor --probe URL`: whether a client can choose its address through the proxy."""

import http.client
import json
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import IPv6Address
from itertools import product
from urllib.parse import urlsplit

from auth.admin.finding import Finding
from auth.errors import LinkUnknown
from auth.stores import diagnosis
from auth.stores.diagnosis import RefusedLinks
from utils.services import Services

CHECK = "client address"
PATH = "/auth/me/restore"  # refuses an unknown link with a row in the audit log, and costs no hash
DOCUMENTATION_NETWORK = IPv6Address("2001:db8::")  # RFC 3849: no client has such an address
BODY = b'{"token": "probe"}'
PLACES = 4
TIMEOUT = 10  # seconds
MAX_ANSWER = 64 * 1024  # bytes
RECENT = timedelta(minutes=5)


class Unanswered(Exception):
    """The request got no answer, or not that of an unknown link."""


def probe(services: Services, url: str) -> Iterator[Finding]:
    """Ask `url` with forged addresses, and look in the audit log whether one was believed."""
    header = services.settings.client_address_header
    try:
        honest = _asked(services, url, None)
        believed = [name for name in spellings(header) if _is_believed(services, url, name)]
    except Unanswered as problem:
        advice = "Give the public address of this service, with https, and its own database in DATABASE_URI."
        yield Finding(CHECK, "problem", f"{url} could not be asked ({problem}).", advice)
        return
    for name in believed:
        yield Finding(
            CHECK, "problem", f"A client can choose its address with {name}.", _advice(header, name)
        )
    if honest.seen == (None,):
        text = "Calls through the proxy have no address and share one rate limit."
        advice = f"Let the proxy set {header}, or set CLIENT_ADDRESS_HEADER and TRUSTED_PROXIES to match it."
        yield Finding(CHECK, "problem", text, advice)
    elif not believed:
        names = ", ".join(spellings(header))
        yield Finding(CHECK, "ok", f"A forged {names} does not change the address.")


def spellings(header: str) -> list[str]:
    """Return the names that are this header for WSGI: each hyphen may be an underscore."""
    first, *others = header.split("-")
    joined = (
        "".join(map("".join, zip(marks, others, strict=True))) for marks in product("-_", repeat=len(others))
    )
    return [first + rest for rest in joined]


def _advice(header: str, name: str) -> str:
    if name == header:
        return f"Let the proxy overwrite {header}, and set TRUSTED_PROXIES to the number of proxies."
    return (
        "Let the proxy drop names with an underscore, or let it overwrite a header without a hyphen and set "
        "CLIENT_ADDRESS_HEADER to that."
    )


def _is_believed(services: Services, url: str, name: str) -> bool:
    """Return whether a forged address in the header of this name is believed.

    Of two spellings a WSGI server takes one, depending on their places among the headers: several are tried.
    """
    return any(_asked(services, url, name, others=number).has_address for number in range(PLACES))


def _asked(services: Services, url: str, name: str | None, others: int = 0) -> RefusedLinks:
    """Send one request, with a forged address in the header of this name, and return what was stored."""
    forged = str(IPv6Address(int(DOCUMENTATION_NETWORK) + secrets.randbits(96)))
    shown = f'for="[{forged}]"' if (name or "").lower() == "forwarded" else forged
    since = services.clock.now() - RECENT
    before = _stored(services, since, "", forged).total
    headers = {name: shown} if name else {}
    request_id = _refused(url, headers | {f"Zz-Probe-{number}": "1" for number in range(others)})
    stored = _stored(services, since, request_id, forged)
    if stored.total <= before:
        raise Unanswered("another database answered")
    return stored


def _stored(services: Services, since: datetime, request_id: str, address: str) -> RefusedLinks:
    services.tx().rollback()  # the rows are written by another process, after this transaction began
    return diagnosis.refused_links(services.tx(), since, request_id, address)


def _refused(url: str, headers: dict[str, str]) -> str:
    """Open a link that does not exist; return the id of the request. Raises `Unanswered`.

    Sends the names of the headers as they are written, unlike `urllib.request`.
    """
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("POST", PATH, BODY, {"Content-Type": "application/json"} | headers)
        answer = connection.getresponse()
        code = _code(answer.read(MAX_ANSWER))
    except (OSError, http.client.HTTPException) as problem:
        raise Unanswered(type(problem).__name__) from None
    finally:
        connection.close()
    if code != LinkUnknown.code:
        raise Unanswered(f"status {answer.status}")
    return answer.headers.get("X-Request-Id", "")


def _code(body: bytes) -> object:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found.get("code") if isinstance(found, dict) else None
