"""Signing keys for tests: made once a process, since making one of RSA takes up to half a second."""

from collections import Counter, defaultdict
from threading import Lock
from typing import ClassVar

from utils.crypto import jws


class CachedKeys:
    """Replaces `Services.make_signing_key`: another key with each call, the same in each test."""

    _made: ClassVar[dict[str, list[jws.PrivateKey]]] = defaultdict(list)
    _lock: ClassVar[Lock] = Lock()

    def __init__(self, first: int = 0) -> None:
        """Begin with this key, so that two machines may make different ones."""
        self.calls = Counter[str](dict.fromkeys(jws.ALGORITHMS, first))

    def __call__(self, alg: str) -> jws.PrivateKey:
        with self._lock:
            made, number = self._made[alg], self.calls[alg]
            self.calls[alg] += 1
            while number >= len(made):
                made.append(jws.make_private(alg))
            return made[number]
