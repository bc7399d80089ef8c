"""Look-ups of the hosts of clients, limited in number and time."""

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MAX_HOSTS = 50
DEADLINE = 5.0  # seconds for all hosts
THREADS = 8
Resolve = Callable[..., Sequence[Any]]
RESOLVER: Resolve = socket.getaddrinfo


class Lookup(NamedTuple):
    """Hosts without an address, and those for which no answer came in time."""

    lost: list[str]
    unanswered: list[str]


def of_addresses(uris: Iterable[str]) -> list[str]:
    """Return the hosts of addresses with http or https, each once, sorted."""
    hosts = {urlsplit(uri).hostname or "" for uri in uris if uri.startswith(("https:", "http:"))}
    return sorted(filter(None, hosts))


def look_up(hosts: Sequence[str], resolve: Resolve = RESOLVER, seconds: float = DEADLINE) -> Lookup:
    """Look up the first `MAX_HOSTS` of these hosts, for at most so many seconds.

    The resolver has no deadline of its own: threads that still wait end with the process.
    """
    asked, answers = hosts[:MAX_HOSTS], SimpleQueue[tuple[str, bool]]()
    waiting, deadline = SimpleQueue[str](), monotonic() + seconds
    for host in asked:
        waiting.put(host)

    def work() -> None:
        with suppress(Empty):
            while monotonic() < deadline:
                host = waiting.get_nowait()
                answers.put((host, _resolves(host, resolve)))

    for _ in range(min(THREADS, len(asked))):
        Thread(target=work, daemon=True).start()
    found: dict[str, bool] = {}
    with suppress(Empty):
        while len(found) < len(asked):
            host, is_known = answers.get(timeout=max(deadline - monotonic(), 0))
            found[host] = is_known
    return Lookup(
        [host for host in asked if found.get(host) is False], [host for host in asked if host not in found]
    )


def _resolves(host: str, resolve: Resolve) -> bool:
    try:
        resolve(host, None)
    except (OSError, UnicodeError):
        return False
    return True
