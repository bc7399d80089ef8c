"""Tests begin with recorded steps only where nothing else has happened to the app or its database."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from flask import Flask

from app import create_app
from config import Settings, TestingConfig
from tests.conftest import new_sqlite
from tests.support.fast_beginnings import _recordings, begin, step
from tests.support.memory_apps import memory_app
from tests.support.requests import everything
from tests.support.service import (
    START,
    FixedClock,
    execute,
    login,
    me,
    register,
    rows,
    shut_down,
    signed_in,
)

SQL = (
    "INSERT INTO freed_usernames (digest, user_id, ends_at) VALUES ('x', NULL, '2026-01-01 00:00:00.000000')"
)
Begin = Callable[[], Flask]


@pytest.fixture(params=["file", "memory"])
def begun(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[Begin]:
    """Return a function that makes a new app on an empty database of its own."""
    apps: list[Flask] = []

    with ExitStack() as stack:

        def make() -> Flask:
            if request.param == "memory":
                return stack.enter_context(memory_app())
            uri = new_sqlite(sqlite_template, tmp_path)
            settings = Settings.load(TestingConfig, {"DATABASE_URI": uri})
            apps.append(create_app(settings=settings, clock=FixedClock()))
            begin(apps[-1], settings)
            return apps[-1]

        yield make
    for app in apps:
        shut_down(app)


@pytest.fixture
def taken(begun: Begin) -> Callable[[Flask], bool]:
    """Return a function that has an app take a step, and tells whether it took it itself."""
    name = uuid4().hex

    def take(app: Flask) -> bool:
        apps: list[Flask] = []

        def change(of: Flask) -> None:
            apps.append(of)
            execute(of, SQL)

        step(app, name, change)
        assert len(rows(app, "SELECT * FROM freed_usernames WHERE digest = 'x'")) == 1
        return app in apps

    assert not take(begun())
    return take


def test_app_gets_the_database_of_the_recording(begun: Begin, taken: Callable[[Flask], bool]) -> None:
    assert not taken(begun())


def test_recorded_login_is_one_of_the_service(begun: Begin) -> None:
    found: list[dict[str, int]] = []
    for is_recorded in (True, True, False):
        app = begun()
        client = app.test_client()
        if not is_recorded:
            call(app)
        access = signed_in(client)["access_token"]
        found.append({name: len(each) for name, each in everything(app).items()})
        assert me(client, access).get_json()["user"]["username"] == "ada"
        assert register(client).status_code == 409
        assert login(client).status_code == 200
    assert found[0] == found[1] == found[2]
    assert found[0]["sessions"] == 1


def test_step_in_a_copy_leaves_no_file(begun: Begin, taken: Callable[[Flask], bool], tmp_path: Path) -> None:
    app = begun()
    before = {*tmp_path.iterdir()}
    step(app, uuid4().hex, lambda of: execute(of, SQL))
    assert {*tmp_path.iterdir()} == before


def call(app: Flask) -> None:
    app.test_client().get("/health/live")


def statement(app: Flask) -> None:
    execute(app, "UPDATE roles SET name = name")


def statement_of_another_process(app: Flask) -> None:
    other = sqlite3.connect(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    other.execute("UPDATE roles SET name = name")
    other.commit()
    other.close()


def later(app: Flask) -> None:
    app.extensions["auth_services"].clock.advance(1)


def other_setting(app: Flask) -> None:
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = 1


@pytest.mark.parametrize("change", [call, statement, later, other_setting], ids=lambda f: f.__name__)
def test_step_is_taken_by_an_app_that_has_changed(
    begun: Begin, taken: Callable[[Flask], bool], change: Callable[[Flask], None]
) -> None:
    app = begun()
    change(app)
    assert taken(app)


@pytest.mark.parametrize("begun", ["file"], indirect=True)
def test_step_is_taken_by_an_app_whose_file_has_changed(begun: Begin, taken: Callable[[Flask], bool]) -> None:
    app = begun()
    statement_of_another_process(app)
    assert taken(app)


@pytest.mark.no_recordings
def test_test_with_this_mark_has_no_recordings(begun: Begin) -> None:
    app, apps = begun(), list[Flask]()
    step(app, uuid4().hex, apps.append)
    assert apps == [app]


def test_app_with_another_time_has_recordings_of_its_own(begun: Begin) -> None:
    name = uuid4().hex
    times = []
    for seconds in (0, 60):
        app = begun()
        app.extensions["auth_services"].clock.advance(seconds)
        begin(app, app.extensions["auth_services"].settings)
        times.append(step(app, name, lambda of: of.extensions["auth_services"].clock.now()))
    assert times[0] < times[1]


def test_step_is_taken_in_another_thread(begun: Begin, taken: Callable[[Flask], bool]) -> None:
    found: list[bool] = []
    app = begun()
    thread = Thread(target=lambda: found.append(taken(app)))
    thread.start()
    thread.join()
    assert found == [True]


def test_ninth_step_is_taken_by_the_app(begun: Begin, taken: Callable[[Flask], bool]) -> None:
    app = begun()
    for number in range(8):
        step(app, number, lambda _: None)
    assert taken(app)


def test_recording_made_anew_is_not_followed_by_an_old_one(begun: Begin) -> None:
    """The session of its access token is another one, which an old recording of the next step lacks."""
    what = uuid4().hex
    for _ in range(2):
        app = begun()
        client = app.test_client()
        access = signed_in(client)["access_token"]
        step(app, what, lambda of: execute(of, SQL))
        assert me(client, access).status_code == 200
        for key in [key for key, found in _recordings.items() if access in str(found.result)]:
            del _recordings[key]


def test_step_with_a_parameter_that_has_no_name_is_taken_by_the_app(begun: Begin) -> None:
    app, apps = begun(), list[Flask]()
    step(app, ["at", START], apps.append)
    assert apps == [app]
