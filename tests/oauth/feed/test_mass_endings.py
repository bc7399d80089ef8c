"""The end of many grants at once: resources are told of each, however long it takes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from threading import current_thread, main_thread
from typing import Any

import pytest
from flask import Flask

from oauth.ending import mass_ending
from tests.conftest import AppFactory
from tests.oauth.feed.test_pages_of_the_feed import Reader
from tests.support.commands import asked, auth
from tests.support.failing_services import failing_at
from tests.support.grants import RESOURCE, ended, grant_row, resource_row, session_ids, written
from tests.support.oauth import client_row
from tests.support.service import FixedClock, at_once, rows, signed_in

pytestmark = pytest.mark.both_databases(slow=True)
BACKCHANNEL = "https://app.example.com/backchannel"


class SlowClock(FixedClock):
    """A clock that takes 25 seconds to read for a command, while another thread does something."""

    meanwhile: Callable[[], object] | None = None

    def now(self) -> datetime:
        if self.meanwhile and current_thread() is main_thread():
            at_once([self.meanwhile])
            self.advance(25)
        return super().now()


@pytest.fixture
def slow(clock: FixedClock) -> SlowClock:
    return SlowClock(clock.moment)


@pytest.fixture
def app(make_app: AppFactory, slow: SlowClock, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(mass_ending, "BATCH", 2)
    made = make_app(clock=slow)
    client_row(made, "app", backchannel_uri=BACKCHANNEL, scopes=["openid", "offline_access"])
    client_row(made, "api", kind="resource")
    resource_row(made, "api")
    signed_in(made.test_client())
    return made


@pytest.fixture
def reader(app: Flask, slow: SlowClock) -> Iterator[Reader]:
    """A resource that reads the feed all the time while a command runs."""
    found = Reader(app.test_client())
    found.read()
    slow.meanwhile = found.read
    yield found
    slow.meanwhile = None


def granted(app: Flask, number: int = 7, **columns: Any) -> set[str]:
    session = session_ids(app)[0]
    values: dict[str, Any] = {
        "resource": RESOURCE,
        "scopes": ["openid", "offline_access"],
        "offline": True,
    } | columns
    return {str(grant_row(app, session, **values)) for _ in range(number)}


COMMANDS = {
    "end-sessions": (("end-sessions", "--everybody"), "all_revoked"),
    "clients disable": (("clients", "disable", "app"), "client_disabled"),
    "clients remove": (("clients", "remove", "app"), "client_removed"),
    "clients set": (("clients", "set", "app", "--no-scope", "offline_access"), "client_narrowed"),
}


@pytest.mark.parametrize(("words", "reason"), COMMANDS.values(), ids=COMMANDS)
def test_mass_ending_that_takes_minutes_is_told_to_resources_completely(
    app: Flask, slow: SlowClock, reader: Reader, words: tuple[str, ...], reason: str
) -> None:
    mine, began = granted(app), slow.moment
    asked(app, *words)
    slow.meanwhile = None
    assert len(reader.known) >= 4  # the first batches, while the command ran
    assert (slow.moment - began).total_seconds() > 75
    reader.read()
    assert reader.known == mine
    assert set(ended(app).values()) == {reason}
    times = {row["ended_at"] for row in rows(app, "SELECT DISTINCT ended_at FROM oauth_grants")}
    assert len(times) == 4  # one for each batch


def test_end_of_everybody_tells_each_client_of_each_session_once(app: Flask) -> None:
    granted(app, 5, sid="one", offline=False)
    granted(app, 3, sid="two")
    asked(app, "end-sessions", "--everybody")
    assert written(app) == [("app", "one"), ("app", "two")]


@pytest.mark.provokes_errors
@pytest.mark.parametrize("words", [("clients", "disable", "app"), ("end-sessions", "--everybody")])
def test_mass_ending_that_fails_at_any_statement_is_completed_by_the_next_call(
    app: Flask, words: tuple[str, ...]
) -> None:
    (session,) = session_ids(app)
    for number in range(1, 60):
        mine = {grant_row(app, session, offline=True) for _ in range(3)}
        with failing_at(app, number, "OperationalError") as statements:
            auth(app, *words)
        asked(app, *words)
        assert mine <= set(ended(app))
        if len(statements) < number:
            break
        auth(app, "clients", "enable", "app")
    assert 8 < number < 59
