"""The revocation feed as a verifier keeps it: pages, bounds, and what it forgets."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from auth_guard import feed as module
from auth_guard.feed import Feed

AWAY = float("inf")


class Pages:
    """Stands for the connections to the service: answers with these pages, or statuses, in turn."""

    def __init__(self, *pages: dict[str, Any] | int) -> None:
        self.pages, self.asked = list(pages), list[str]()
        self.now, self.takes = 0.0, 0.0  # seconds; of an answer

    def clock(self) -> float:
        return self.now

    def ask(self, _method: str, path: str, _headers: Any, *, most: int) -> tuple[Any, bytes]:
        assert most == module.MAX_PAGE
        self.asked.append(path.partition("?after=")[2])
        self.now += self.takes
        page = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        if isinstance(page, int):
            return SimpleNamespace(status=page), b""
        return SimpleNamespace(status=200), json.dumps(page).encode()


def page(*gids: str, more: bool = False, cursor: str = "c", **changes: Any) -> dict[str, Any]:
    ended = [{"gid": gid, "at": 1} for gid in gids]
    told = {"ended": ended, "leaked_keys": [], "cursor": cursor, "more": more}
    return told | {"poll_after": 0 if more else 3, "lives": 3600} | changes


def read_from(*pages: dict[str, Any] | int) -> tuple[Feed, Pages]:
    service = Pages(*pages)
    return Feed(service, "Basic x", service.clock), service  # type: ignore[arg-type]  # what it needs of it


def test_pages_are_read_to_the_last_one() -> None:
    feed, service = read_from(page("a", more=True, cursor="1"), page("b", more=True, cursor="2"), page("c"))
    assert feed.age() == 0
    assert [feed.has_ended(each) for each in "abcd"] == [True, True, True, False]
    assert service.asked == ["", "1", "2"]


def test_answer_of_a_service_without_pages_is_read() -> None:
    told = page("a")
    del told["more"]
    feed, _ = read_from(told)
    assert feed.age() == 0
    assert feed.has_ended("a")


def test_pages_without_an_end_are_read_in_part_and_the_feed_counts_as_away() -> None:
    feed, service = read_from(page("a", more=True))
    assert feed.age() == AWAY
    assert len(service.asked) == module.MAX_PAGES
    assert feed.has_ended("a")  # what is known counts
    service.now += 3
    assert feed.age() == AWAY
    assert len(service.asked) == 2 * module.MAX_PAGES


def test_reading_that_takes_five_seconds_goes_on_with_the_next_check() -> None:
    feed, service = read_from(*(page(more=True, cursor=str(each)) for each in range(6)), page("last"))
    service.takes = 2
    assert feed.age() == AWAY
    assert service.asked == ["", "0", "1"]
    service.takes = 0
    assert feed.age() == 0
    assert service.asked[3:] == ["2", "3", "4", "5"]


def test_more_grants_than_a_verifier_keeps_count_as_a_feed_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_GRANTS", 2)
    feed, service = read_from(page("a", "b", more=True), page("c", more=True), page("d"))
    assert feed.age() == AWAY
    assert len(service.asked) == 2
    service.now = 3600 + 120
    service.pages = [page("e")]
    assert feed.age() == 0  # the others are forgotten


def test_cursor_that_the_service_refuses_is_dropped() -> None:
    feed, service = read_from(page(cursor="old"), 400, page("a"))
    for expected in (0, 3, 0):
        assert feed.age() == expected
        service.now += 3
    assert service.asked == ["", "old", ""]
    assert feed.has_ended("a")


def test_grant_is_forgotten_two_minutes_after_its_last_token() -> None:
    feed, service = read_from(page("a"), page())
    feed.age()
    for seconds, is_kept in ((3599, True), (3719, True), (3720 + module.FORGET_AFTER, False)):
        service.now = seconds
        feed.age()
        assert feed.has_ended("a") == is_kept
