"""The house rules, each shown to catch its sabotage before it is held against the sources."""

from collections.abc import Callable

import pytest

from tests import house
from tests.house import Sources, project_sources

Rule = Callable[[Sources], list[str]]

RULES: list[Rule] = [
    house.top_level_modules_follow_the_table,
    house.current_app_is_in_one_file,
    house.only_flows_commit,
    house.only_stores_speak_sql,
    house.no_model_query,
    house.no_flask_below_the_routes,
    house.no_file_is_long,
    house.routes_are_short,
    house.there_is_one_clock,
    house.failures_are_raised_and_not_written,
]

LONG_ROUTE = "def long():\n" + "    print()\n" * 21

# Rule, file (made up if there is none), and what is written below its text.
SABOTAGES: list[tuple[Rule, str, str]] = [
    (house.top_level_modules_follow_the_table, "models.py", "from utils.crypto import mac"),
    (house.top_level_modules_follow_the_table, "config.py", "from utils.crypto import mac"),
    (house.top_level_modules_follow_the_table, "helpers.py", "from auth.stores import users"),
    (
        house.current_app_is_in_one_file,
        "auth/accounts/routes.py",
        "from flask import current_app\ncurrent_app.x",
    ),
    (house.current_app_is_in_one_file, "utils/web/http.py", "import flask\nflask.current_app.config"),
    (house.only_flows_commit, "auth/stores/users.py", "def f(session):\n    session.commit()"),
    (house.only_flows_commit, "auth/accounts/routes.py", "services().tx().commit()"),
    (house.only_flows_commit, "auth/mailing/links.py", "def f(session):\n    session.commit()"),
    (house.only_stores_speak_sql, "auth/login/password.py", "from sqlalchemy import select"),
    (house.only_stores_speak_sql, "auth/login/password.py", "from sqlalchemy.sql import text"),
    (house.only_stores_speak_sql, "auth/login/password.py", "def f(session):\n    session.get(User, 1)"),
    (house.only_stores_speak_sql, "auth/sessions/routes.py", "services().tx().execute('')"),
    (house.only_stores_speak_sql, "models.py", "db.select(User)"),
    (house.no_model_query, "auth/stores/users.py", "User.query.filter_by(id=1)"),
    (house.no_model_query, "auth/stores/users.py", "def f(session):\n    session.query(User)"),
    (house.no_flask_below_the_routes, "auth/login/password.py", "from flask import request"),
    (house.no_flask_below_the_routes, "auth/stores/audit.py", "def late():\n    import flask.globals"),
    (house.no_flask_below_the_routes, "auth/tokens.py", "from werkzeug.exceptions import NotFound"),
    (house.no_flask_below_the_routes, "models.py", "from flask import g"),
    (house.no_file_is_long, "auth/tokens.py", "\n" * 300),
    (house.no_file_is_long, "tests/test_long.py", "\n" * 301),
    (house.no_file_is_long, "models.py", "\n" * 600),
    (house.routes_are_short, "auth/accounts/routes.py", LONG_ROUTE),
    (house.there_is_one_clock, "auth/login/password.py", "from datetime import datetime\ndatetime.now()"),
    (house.there_is_one_clock, "auth/tokens.py", "import datetime\ndatetime.datetime.utcnow()"),
    (house.there_is_one_clock, "utils/crypto/keys.py", "import time\ntime.time()"),
    (house.there_is_one_clock, "utils/crypto/keys.py", "from time import time"),
    (house.there_is_one_clock, "models.py", "field(default=datetime.utcnow)"),
    (house.failures_are_raised_and_not_written, "auth/accounts/routes.py", "abort(404)"),
    (house.failures_are_raised_and_not_written, "ops/routes.py", "flask.jsonify(error='no')"),
]


def _named(value: object) -> str | None:
    return getattr(value, "__name__", None)


@pytest.mark.parametrize("rule", RULES, ids=_named)
def test_the_house_rule_is_kept(rule: Rule) -> None:
    assert rule(project_sources()) == []


@pytest.mark.parametrize(("rule", "path", "addition"), SABOTAGES, ids=_named)
def test_a_broken_rule_is_noticed(rule: Rule, path: str, addition: str) -> None:
    sources = project_sources()
    sabotaged = sources | {path: sources.get(path, "") + "\n" + addition + "\n"}
    new = set(rule(sabotaged)) - set(rule(sources))
    assert any(path in fault for fault in new)


def test_every_rule_has_its_sabotage() -> None:
    assert {rule for rule, _, _ in SABOTAGES} == set(RULES)


def test_the_sources_are_really_read() -> None:
    assert {"app.py", "auth/login/password.py", "auth/stores/users.py", "tests/house.py"} <= set(
        project_sources()
    )
