"""Creating an API token while the account is recovered, and while the database fails."""

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from auth.api_tokens import lifecycle
from tests.support.api_tokens import READ, create, give
from tests.support.failing_services import everything, failing_at
from tests.support.interleaving import interleaved_at
from tests.support.requests import NEW, confirm_addresses, forget, post, said
from tests.support.service import at_once, events, execute, rows, signed_in

pytestmark = pytest.mark.both_databases(slow=True)

Call = Callable[[], TestResponse]
LIVE = "SELECT id FROM api_tokens WHERE revoked_at IS NULL"


def prepared(app: Flask, name: str) -> tuple[str, str]:
    """Return an access token of an account that may `READ`, and a link that resets its password."""
    access = signed_in(app.test_client(), name)["access_token"]
    confirm_addresses(app)
    give(app, READ, login=name, role=f"role-{name}")
    return access, forget(app, f"{name}@example.com")


@pytest.mark.parametrize(
    "creates_first",
    [
        pytest.param(True, marks=pytest.mark.slow, id="creation first"),
        pytest.param(False, marks=pytest.mark.nightly, id="reset first"),
    ],
)
def test_no_token_outlives_a_reset_interleaved_at_every_statement(app: Flask, creates_first: bool) -> None:
    for number in range(1, 60):
        access, link = prepared(app, f"ada-{number}")
        calls: list[Call] = [
            partial(create, app.test_client(), access, READ),
            partial(post, app.test_client(), "password/reset", token=link, password=NEW),
        ]
        first, second = calls if creates_first else reversed(calls)
        answers: list[tuple[int, str]] = []

        def meanwhile(call: Call = second, to: list[tuple[int, str]] = answers) -> None:
            to.append(said(call()))

        with interleaved_at(app, number, meanwhile) as asked:
            answers.append(said(first()))
        if len(asked) < number:
            break
        assert (200, "") in answers, asked[number - 1]
        assert set(answers) - {(200, "")} <= {(201, ""), (401, "token_invalid")}
        assert rows(app, LIVE) == [], asked[number - 1]
    assert number > 5


@pytest.mark.both_databases
def test_no_token_outlives_a_concurrent_reset(app: Flask) -> None:
    for attempt in range(3):
        access, link = prepared(app, f"ada-{attempt}")
        creations = [partial(create, app.test_client(), access, READ, name=name) for name in "abc"]
        at_once([*creations, partial(post, app.test_client(), "password/reset", token=link, password=NEW)])
        assert rows(app, LIVE) == []


@pytest.mark.provokes_errors
def test_database_failure_at_any_statement_of_a_creation_changes_nothing(
    app: Flask, client: FlaskClient
) -> None:
    access = signed_in(client)["access_token"]
    give(app, READ)
    execute(app, "UPDATE users SET email_verified_at = created_at")
    before, known = everything(app), events(app)
    for number in range(1, 40):
        with failing_at(app, number, "OperationalError") as asked:
            answer = create(client, access, READ)
        if len(asked) < number:
            break
        assert said(answer) == (503, "unavailable"), asked
        assert everything(app) == before, asked
    assert asked.count("COMMIT") == 1
    assert answer.status_code == 201
    assert events(app) == [*known, "api_token_created"]


def test_sixteen_creations_at_once_stop_at_fifty_tokens(app: Flask) -> None:
    access, _ = prepared(app, "ada")
    full, free = (409, "too_many_api_tokens"), 5
    for number in range(lifecycle.MAX_LIVE - free):
        assert said(create(app.test_client(), access, READ, name=f"token {number}")) == (201, "")
    calls: list[Call] = [
        partial(create, app.test_client(), access, READ, name=f"late {number}") for number in range(16)
    ]
    answers = [said(answer) for answer in at_once(calls)]
    assert sorted(answers) == [*[(201, "")] * free, *[full] * (16 - free)]
    assert len(rows(app, LIVE)) == 50
