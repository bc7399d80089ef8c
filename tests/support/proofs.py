"""Solutions of the proof of work, and a server that checks responses to challenges."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from tests.support.leaked_password_server import Answer, Server, in_thread, listing


def solved(challenge: dict[str, Any]) -> str:
    """Return the response to a proof of work, by the rule of the documentation."""
    seed, numbers = hashlib.sha256(challenge["token"].encode()).digest(), []
    for puzzle in range(challenge["puzzles"]):
        number = 0
        while not _begins_with_zeros(seed, puzzle, number, challenge["bits"]):
            number += 1
        numbers.append(f"{number:x}")
    return f"{challenge['token']}.{'-'.join(numbers)}"


def _begins_with_zeros(seed: bytes, puzzle: int, number: int, bits: int) -> bool:
    message = seed + puzzle.to_bytes(4, "big") + number.to_bytes(4, "big")
    return int.from_bytes(hashlib.sha256(message).digest(), "big") < 1 << (256 - bits)


class Verifier:
    """A server of the `siteverify` protocol: answers as configured, and records the requests."""

    def __init__(self) -> None:
        self.answer: Answer = listing("{}")
        self.asked: list[dict[str, str]] = []
        self.url = ""

    def says(self, **members: Any) -> None:
        self.answer = listing(json.dumps(members))


@contextmanager
def verifying() -> Iterator[Verifier]:
    made = Verifier()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.asked.append({name: value for name, (value,) in parse_qs(body).items()})
            made.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/siteverify"
    with in_thread(server):
        yield made
