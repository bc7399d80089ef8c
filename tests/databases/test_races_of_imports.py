"""Imports at the same time as each other and as registrations: the unique keys decide, and all end."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from auth.transfer import import_accounts
from auth.transfer.candidates import Options
from auth.transfer.lines import Line
from auth.transfer.outcomes import Outcome
from tests.conftest import AppFactory
from tests.support.imports import account, text_of
from tests.support.requests import OPERATOR
from tests.support.service import at_once, register, rows
from utils.services import services

pytestmark = pytest.mark.both_databases


def run(app: Flask, accounts: list[dict[str, Any]], options: Options | None = None) -> list[Outcome]:
    """Import these accounts by the flow."""
    raw = [text_of([each]).encode() for each in accounts]
    lines = [Line(number, each, len(each)) for number, each in enumerate(raw, 1)]
    with app.app_context():
        batches = import_accounts.import_accounts(services(), OPERATOR, lines, options or Options())
        return [outcome for _, outcomes in batches for outcome in outcomes]


def test_same_import_twice_at_once_makes_no_double(
    make_app: AppFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_accounts, "BATCH", 10)
    lines = [account(f"user{number}") for number in range(60)]
    apps = [make_app(), make_app()]
    found = at_once([partial(run, app, lines) for app in apps])
    states = Counter(each.state for outcomes in found for each in outcomes)
    assert states == {"created": 60, "exists": 60}
    by_line = zip(*found, strict=True)
    assert all(one.user_id == other.user_id for one, other in by_line)
    assert rows(apps[0], "SELECT count(*) AS n FROM users") == [{"n": 60}]


def test_imports_with_crossed_names_do_not_wait_for_each_other(make_app: AppFactory) -> None:
    """Each inserts first what the other one inserts last."""
    apps = [make_app(), make_app()]
    names = [f"name{number}" for number in range(30)]
    files = [
        [account(f"{letter}{number:02}", username=name) for number, name in enumerate(order)]
        for letter, order in (("a", names), ("b", names[::-1]))
    ]
    found = at_once([partial(run, app, lines) for app, lines in zip(apps, files, strict=True)])
    assert {each.state for outcomes in found for each in outcomes} == {"created"}
    taken = [row["username"] for row in rows(apps[0], "SELECT username FROM users")]
    assert len(taken) == len({*taken}) == 60


def test_unconfirmed_accounts_are_replaced_once_by_two_imports_at_once(
    make_app: AppFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_accounts, "BATCH", 4)
    apps = [make_app(), make_app()]
    for number in range(12):
        assert _register(apps[0], number) == 201
    lines = [account(f"user{number}") for number in range(12)]
    options = Options(replace_unconfirmed=True)
    found = at_once([partial(run, app, lines, options) for app in apps])
    states = Counter(each.state for outcomes in found for each in outcomes)
    assert states == {"created": 12, "exists": 12}
    assert all(one.user_id == other.user_id for one, other in zip(*found, strict=True))
    assert rows(apps[0], "SELECT count(*) AS n, min(origin) AS o FROM users") == [{"n": 12, "o": "imported"}]
    erased = rows(apps[0], "SELECT count(*) AS n FROM audit_events WHERE event = 'account_erased'")
    assert erased == [{"n": 12}]


def test_registrations_during_an_import_make_no_double(
    make_app: AppFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_accounts, "BATCH", 5)
    app = make_app()
    lines = [account(f"user{number}") for number in range(20)]
    calls: list[Callable[[], Any]] = [partial(run, app, lines)]
    calls += [partial(_register, app, number) for number in (3, 9, 19)]
    outcomes, *answers = at_once(calls)
    for number, status in zip((3, 9, 19), answers, strict=True):
        assert (status == 201) == (outcomes[number].fault == "unconfirmed_account"), (
            status,
            outcomes[number],
        )
    assert rows(app, "SELECT count(*) AS n FROM users") == [{"n": 20}]


def _register(app: Flask, number: int) -> int:
    return register(app.test_client(), f"user{number}").status_code
