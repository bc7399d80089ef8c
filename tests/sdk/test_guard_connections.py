"""Connections of the guard: kept, replaced, bounded in time, and never shared with a forked process."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from auth_guard import Guard, Unauthorized, Unavailable, connections

from tests.support.scripted_server import ScriptedServer, scripted, with_nonce_of
from tests.support.server import until

YES = b"HTTP/1.1 204 No Content\r\nX-Auth-User-Id: %d\r\nX-Auth-Username: ada\r\n\r\n"


def account_of(request: bytes) -> bytes:
    """Answer with the account that the token names."""
    return YES % int(request.partition(b"Bearer ")[2].split(b"\r\n")[0])


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted(account_of) as server:
        yield server


@pytest.fixture
def guard(server: ScriptedServer) -> Iterator[Guard]:
    made = Guard(server.url)
    yield made
    made.close()


def kept(guard: Guard) -> Any:
    return guard._connections._idle


def test_connection_is_kept(server: ScriptedServer, guard: Guard) -> None:
    assert [guard.check(f"Bearer {number}").user_id for number in range(1, 6)] == [1, 2, 3, 4, 5]
    assert (server.connections, len(server.requests)) == (1, 5)


def test_kept_connection_that_was_closed_is_replaced(server: ScriptedServer, guard: Guard) -> None:
    guard.check("Bearer 1")
    server.close_connections()
    until(lambda: not usable(guard), "the end of the connection to arrive")
    assert guard.check("Bearer 2").user_id == 2
    assert (server.connections, len(server.requests)) == (2, 2)


def usable(guard: Guard) -> bool:
    found = guard._connections._kept()
    if found:
        kept(guard).append(found)
    return found is not None


def test_question_is_repeated_once_if_its_kept_connection_closes(
    guard: Guard, server: ScriptedServer
) -> None:
    guard.check("Bearer 1")
    answers = [b"", YES % 2]
    server.script = lambda _: answers.pop(0)
    assert guard.check("Bearer 2").user_id == 2
    assert (server.connections, len(server.requests)) == (2, 3)
    answers += [b"", b"", YES % 3]
    with pytest.raises(Unavailable, match="RemoteDisconnected"):
        guard.check("Bearer 3")
    assert answers == [YES % 3]


def test_question_on_a_new_connection_is_not_repeated(server: ScriptedServer, guard: Guard) -> None:
    server.script = lambda _: b""
    with pytest.raises(Unavailable, match="RemoteDisconnected"):
        guard.check("Bearer 1")
    assert len(server.requests) == 1


def test_answer_that_was_not_asked_for_is_never_read(server: ScriptedServer, guard: Guard) -> None:
    server.script = lambda request: account_of(request) + YES % 666
    assert [guard.check(f"Bearer {number}").user_id for number in range(1, 20)] == [*range(1, 20)]


@pytest.mark.parametrize("kind", ["yes", "refusal"])
def test_surplus_answer_that_arrives_with_the_next_question_is_not_taken_for_its_answer(
    server: ScriptedServer, guard: Guard, kind: str
) -> None:
    """Response desynchronization: the surplus answer is to an earlier question, with its nonce."""
    surplus = YES % 666 if kind == "yes" else b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}"

    def late(request: bytes) -> bytes:
        answer = with_nonce_of(request, account_of(request))
        if server.connections == 1 and len(server.requests) == 2:  # after the check for surplus data
            return with_nonce_of(server.requests[0], surplus) + answer
        return answer

    server.script = late
    assert [guard.check(f"Bearer {number}").user_id for number in range(1, 4)] == [1, 2, 3]
    assert (server.connections, len(server.requests)) == (2, 4)


def test_each_question_has_a_nonce_of_its_own(server: ScriptedServer, guard: Guard) -> None:
    for number in range(1, 6):
        guard.check(f"Bearer {number}")
    nonces = {request.partition(b"X-Auth-Nonce: ")[2].split(b"\r\n")[0] for request in server.requests}
    assert len(nonces) == 5
    assert all(re.fullmatch(rb"[0-9a-f]{32}", nonce) for nonce in nonces)


def test_data_on_an_idle_connection_closes_it(server: ScriptedServer, guard: Guard) -> None:
    guard.check("Bearer 1")
    with server._lock:
        server._open[0].sendall(YES % 666)
    until(lambda: not usable(guard), "the data to arrive")
    assert guard.check("Bearer 2").user_id == 2
    assert server.connections == 2


def test_connection_is_replaced_after_a_minute(
    server: ScriptedServer, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.check("Bearer 1")
    monkeypatch.setattr(connections, "MAX_AGE", 0.0)
    guard.check("Bearer 2")
    assert server.connections == 2
    assert connections.MAX_KEPT == 8


@pytest.mark.parametrize(
    "script",
    [
        b"HTTP/1.1 500 Failed\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000,
    ],
)
def test_connection_is_not_kept_after_an_unknown_answer(
    server: ScriptedServer, guard: Guard, script: bytes
) -> None:
    server.script = lambda _: script
    with pytest.raises(Unavailable):
        guard.check("Bearer 1")
    assert not kept(guard)


def test_refusals_of_the_service_keep_the_connection(server: ScriptedServer, guard: Guard) -> None:
    server.script = lambda _: b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"
    for _ in range(3):
        with pytest.raises(Unauthorized):
            guard.check("Bearer 1")
    assert server.connections == 1


def test_answer_has_a_deadline_however_slowly_it_arrives(server: ScriptedServer) -> None:
    def drip(request: bytes) -> bytes:
        with server._lock:
            connection = server._open[-1]
        for _ in range(1000):
            connection.sendall(b"X")
            if server.stopped.wait(0.02):
                break
        return b""

    server.script = drip
    guard = Guard(server.url, timeout=0.2)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="TimeoutError"):
        guard.check("Bearer 1")
    assert 0.1 < time.monotonic() - began < 5


def test_threads_get_their_own_answers_and_few_connections_are_kept(
    server: ScriptedServer, guard: Guard
) -> None:
    def asked(number: int) -> list[int]:
        return [guard.check(f"Bearer {number}").user_id for _ in range(25)]

    with ThreadPoolExecutor(16) as pool:
        assert [*pool.map(asked, range(1, 17))] == [[number] * 25 for number in range(1, 17)]
    assert server.connections < 16 * 25
    assert 1 <= len(kept(guard)) <= connections.MAX_KEPT


FORKING = """
import os, sys
from auth_guard import Guard

guard = Guard(sys.argv[1])
assert guard.check("Bearer 1").user_id == 1
child = os.fork()
if child == 0:
    before = [*guard._connections._idle]
    own = guard.check("Bearer 2").user_id == 2 and before[0] not in guard._connections._idle
    os._exit(0 if own else 1)
assert os.waitpid(child, 0)[1] == 0, "the child"
assert guard.check("Bearer 3").user_id == 3
guard.close()
"""


def test_connections_are_not_shared_with_a_forked_process(server: ScriptedServer) -> None:
    path = str(connections.__file__).rpartition("/auth_guard/")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING, server.url],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (server.connections, len(server.requests)) == (2, 3)
