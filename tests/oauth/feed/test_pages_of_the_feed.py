"""The pages of the revocation feed: a resource that reads them misses no ending."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth.feed import cursors, ended
from oauth.feed.cursors import Place, Row
from tests.oauth.feed.test_revocation_feed import access, feed, gids
from tests.support.grants import RESOURCE, end_bound, grant_row, session_ids
from tests.support.service import START, FixedClock

pytestmark = [pytest.mark.both_databases(slow=True), pytest.mark.usefixtures("access")]
__all__ = ["access"]
SECOND = timedelta(seconds=1)


class Reader:
    """A resource that reads the feed, page by page, and keeps what it was told."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._cursor: str | None = None
        self.known: set[str] = set()
        self.told = 0  # grants, repeated ones too
        self.more = False

    def page(self) -> Any:
        answer = feed(self._client, self._cursor)
        self._cursor, self.more = answer["cursor"], answer["more"]
        self.known.update(gids(answer))
        self.told += len(answer["ended"])
        return answer

    def read(self) -> None:
        self.page()
        while self.more:
            self.page()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "PAGE", 2)


@pytest.mark.usefixtures("small_pages")
def test_feed_is_told_in_pages_that_follow_at_once(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    mine = {str(grant_row(app, session, resource=RESOURCE)) for _ in range(5)}
    end_bound(app, session)  # all at one time
    reader = Reader(client)
    pages = [reader.page() for _ in range(3)]
    assert [len(page["ended"]) for page in pages] == [2, 2, 1]
    assert [(page["more"], page["poll_after"]) for page in pages] == [(True, 0), (True, 0), (False, 3)]
    assert reader.known == mine
    clock.advance(6)
    reader.read()
    clock.advance(3)
    assert reader.page()["ended"] == []


@pytest.mark.usefixtures("small_pages")
def test_ending_that_is_committed_behind_the_page_that_is_read_is_told_by_the_next_reading(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    for seconds in range(5):
        grant_row(app, session, resource=RESOURCE, ended_at=START + seconds * SECOND)
    clock.advance(40)
    reader = Reader(client)
    reader.page()
    reader.page()
    clock.advance(17)  # between two pages
    late = str(grant_row(app, session, resource=RESOURCE, ended_at=START))
    reader.read()
    assert late not in reader.known
    reader.read()
    assert late in reader.known


@pytest.mark.usefixtures("small_pages")
def test_reading_tells_every_ending_that_was_committed_before_it_and_within_a_minute_of_its_time(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    chance, reader, committed, before = random.Random(7), Reader(client), set[str](), set[str]()
    readings = 0
    for _ in range(120):
        clock.advance(chance.choice([0, 0.001, 0.5, 3, 3, 7]))
        moment = clock.now() - chance.choice([0, 0, 0.02, 1, 8, 30, 59]) * SECOND
        for _ in range(chance.choice([0, 0, 1, 3])):
            committed.add(str(grant_row(app, session, resource=RESOURCE, ended_at=moment, now=clock.now())))
        for _ in range(chance.randint(1, 4)):
            if not reader.more:
                before = set(committed)
            reader.page()
            if not reader.more:
                assert before <= reader.known
                readings += 1
    assert readings > 50


def test_feed_without_news_is_short_and_has_no_conditional_answer(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    for _ in range(20):
        grant_row(app, session, resource=RESOURCE)
    end_bound(app, session)
    reader = Reader(client)
    for _ in range(3):
        clock.advance(6)
        reader.read()
    assert reader.told == 20
    answer = client.get("/oauth/revocations")
    assert "ETag" not in answer.headers


PLACES = [
    Place(START, 0),
    Place(START, 2**64 - 1),
    Place(START + timedelta(microseconds=1), 3, Row(START, UUID(int=2**128 - 1))),
]


@pytest.mark.parametrize("place", PLACES)
def test_cursor_has_the_place_to_the_microsecond(place: Place) -> None:
    assert cursors.read(cursors.text(place)) == place


def test_cursor_of_another_encoding_or_time_is_refused() -> None:
    text = cursors.text(PLACES[2])
    beyond = cursors.text(Place(datetime.max.replace(tzinfo=START.tzinfo), 0))
    assert cursors.read(beyond).known == 0
    for wrong in (text[:-1], text + "A", f"Ag{text[2:]}", f"AQAH{'_' * 20}", "é" * 24, f"AQAA{'A' * 19}="):
        with pytest.raises(ValueError, match="not a cursor"):
            cursors.read(wrong)
