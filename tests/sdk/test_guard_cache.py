"""What the guard remembers: a yes, for its token and permissions, as long as it was told."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from auth_guard import Caller, Forbidden, Guard, Unauthorized, Unavailable
from auth_guard import guard as guard_module

from tests.sdk.test_guard import HEADER, YES, answer
from tests.support.scripted_server import ScriptedServer, scripted


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted(YES) as server:
        yield server


class Moved(SimpleNamespace):
    """A clock in place of `time`, moved by hand."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Moved:
    clock = Moved()
    monkeypatch.setattr(guard_module, "time", clock)
    return clock


def test_without_a_cache_each_call_is_asked(server: ScriptedServer) -> None:
    made = Guard(server.url)
    for _ in range(3):
        made.check(HEADER, "reports:read")
    assert len(server.requests) == 3
    made.close()


def test_yes_is_remembered_for_its_token_and_permissions_until_its_time(
    server: ScriptedServer, moved: Moved
) -> None:
    made = Guard(server.url, cache_seconds=10)
    assert made.check(HEADER, "reports:read") == made.check(HEADER, "reports:read") == Caller(7, "grün")
    assert len(server.requests) == 1
    made.check(HEADER, "reports:write")
    made.check(HEADER, "reports:read", "reports:write")
    made.check("Bearer a.b.d", "reports:read")
    made.check(HEADER)
    assert len(server.requests) == 5
    moved.now += 9.9
    made.check(HEADER, "reports:read")
    assert len(server.requests) == 5
    moved.now += 0.1
    made.check(HEADER, "reports:read")
    assert len(server.requests) == 6
    made.close()


def test_time_of_a_yes_begins_with_the_question(moved: Moved) -> None:
    def late(_: bytes) -> bytes:
        moved.now += 4
        return YES

    with scripted(late) as server:
        made = Guard(server.url, cache_seconds=5)
        made.check(HEADER)
        moved.now += 1
        made.check(HEADER)
        assert len(server.requests) == 2
        made.close()


def test_refusal_is_not_remembered() -> None:
    answers = [answer("403 Forbidden", b"{}"), answer("401 Unauthorized", b"{}"), answer("500 Failed"), YES]
    with scripted(lambda _: answers.pop(0)) as server:
        made = Guard(server.url, cache_seconds=30)
        for kind in (Forbidden, Unauthorized, Unavailable):
            with pytest.raises(kind):
                made.check(HEADER)
        assert made.check(HEADER).user_id == 7
        made.close()


def test_cache_is_bounded_and_holds_no_token(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "MAX_REMEMBERED", 3)
    made = Guard(server.url, cache_seconds=30)
    for number in range(10):
        made.check(f"Bearer secret{number}")
        assert len(made._yes) <= 3
    assert "secret" not in repr(made._yes)
    assert {len(key) for key in made._yes} == {32}
    made.close()
    assert not made._yes
