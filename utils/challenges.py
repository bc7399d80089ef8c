"""Challenges: what a caller solves to pass a ceiling of the whole service.

`ProofOfWork` is built in. `ExternalChallenge` asks a server with the `siteverify` protocol, as Turnstile,
hCaptcha and reCAPTCHA have it. A response passes once, on the route it was made for.
"""

import base64
import hashlib
import json
import logging
import re
import secrets
import struct
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from utils.clock import Clock
from utils.crypto.keys import derive_key, mac, verify_mac
from utils.limits.ceilings import Outcome
from utils.limits.counters import Counters
from utils.outgoing import CallFailed, Endpoint

log = logging.getLogger("auth")

LIFETIME = 300  # seconds to solve a proof of work
REMEMBERED = 3600  # seconds for which a used response is kept: longer than any response is valid
# 262,144 hashes on average. Many small puzzles instead of a large one, so that the time varies little.
PUZZLES = 16
BITS = 14
DEADLINE = 2.0  # seconds for an answer of `CHALLENGE_URL`, apart from the DNS lookup
MAX_ANSWER = 16 * 1024
_HEAD = struct.Struct(">Q8s")  # end in seconds since 1970, and random bytes
_RESPONSE = re.compile(rf"([A-Za-z0-9_-]{{64}})\.([0-9a-f]{{1,8}}(?:-[0-9a-f]{{1,8}}){{{PUZZLES - 1}}})")


class ProofOfWork:
    """The client finds numbers whose digests begin with zero bits.

    For each puzzle `i` from 0 it finds a 32-bit `n` such that the first `bits` bits of
    SHA-256(SHA-256(token) + i + n) are zero; `i` and `n` are four bytes, the highest first. The response is
    the token, a dot, and the numbers in hexadecimal, joined by hyphens. Nothing is stored until one passes.
    """

    kind = "proof_of_work"

    def __init__(self, keys: Sequence[str], used: Counters, clock: Clock) -> None:
        """`keys` are the secrets that verify tokens, the present one first."""
        self._keys, self._used, self._clock = keys, used, clock

    def issue(self, route: str) -> dict[str, Any]:
        ends = int(self._clock.now().timestamp()) + LIFETIME
        head = _HEAD.pack(ends, secrets.token_bytes(8))
        key = derive_key(self._keys[0], "challenge")
        token = base64.urlsafe_b64encode(head + mac(key, route.encode(), head)).decode()
        return {"kind": self.kind, "token": token, "puzzles": PUZZLES, "bits": BITS}

    def check(self, route: str, response: str, address: str | None) -> Outcome:  # noqa: ARG002
        parts = _RESPONSE.fullmatch(response)
        if parts is None or not self._is_valid(parts[1], route) or not _is_solved(parts[1], parts[2]):
            return Outcome.FAILED
        return _use(self._used, parts[1])

    def _is_valid(self, token: str, route: str) -> bool:
        raw = base64.urlsafe_b64decode(token)
        head, given = raw[: _HEAD.size], raw[_HEAD.size :]
        keys = (derive_key(key, "challenge") for key in self._keys)
        ends, _ = _HEAD.unpack(head)
        return verify_mac(given, keys, route.encode(), head) and ends > self._clock.now().timestamp()


def _is_solved(token: str, numbers: str) -> bool:
    seed = hashlib.sha256(token.encode()).digest()
    for puzzle, number in enumerate(numbers.split("-")):
        digest = hashlib.sha256(seed + struct.pack(">II", puzzle, int(number, 16))).digest()
        if int.from_bytes(digest[:4], "big") >> (32 - BITS):
            return False
    return True


class ExternalChallenge:
    """A server checks the response: `CHALLENGE_URL` and `CHALLENGE_SECRET`.

    If its answer names an `action`, it must be the route. Without an answer in time the response fails.
    """

    kind = "external"

    def __init__(self, url: str, secret: str, used: Counters, *, deadline: float = DEADLINE) -> None:
        self._server = Endpoint(url, deadline=deadline, max_answer=MAX_ANSWER)
        self._secret, self._used = secret, used

    def issue(self, route: str) -> dict[str, Any]:
        return {"kind": self.kind, "action": route}

    def check(self, route: str, response: str, address: str | None) -> Outcome:
        fields = {"secret": self._secret, "response": response} | ({"remoteip": address} if address else {})
        try:
            body = self._server.ask(
                "POST",
                body=urlencode(fields),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            answer = json.loads(body)
        except (CallFailed, ValueError, RecursionError) as problem:
            error = str(problem) if isinstance(problem, CallFailed) else "no JSON"
            log.warning("challenge not checked", extra={"error": error})
            return Outcome.UNAVAILABLE
        if not isinstance(answer, dict) or answer.get("success") is not True:
            return Outcome.FAILED
        if (answer.get("action") or route) != route:
            return Outcome.FAILED
        return _use(self._used, response)


def _use(used: Counters, response: str) -> Outcome:
    """Use a response up; of several callers one passes."""
    digest = hashlib.sha256(response.encode()).hexdigest()
    (uses,) = used.count({f"challenge:{digest}": 1}, REMEMBERED)
    return Outcome.PASSED if uses.calls == 1 else Outcome.USED
