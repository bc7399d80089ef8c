"""The house rules, each shown to catch its sabotage before it is held against the sources."""

from collections.abc import Callable

import pytest

from tests import house
from tests.house import Sources, project_sources

Rule = Callable[[Sources], list[str]]

RULES: list[Rule] = [
    house.imports_follow_the_table,
    house.no_import_cycles,
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
    (house.imports_follow_the_table, "auth/flows/sign_in.py", "from auth.flows import sessions"),
    (house.imports_follow_the_table, "auth/flows/sign_in.py", "from auth.flows.sessions import refresh"),
    (house.imports_follow_the_table, "auth/stores/users.py", "import auth.errors"),
    (house.imports_follow_the_table, "auth/stores/users.py", "from auth.flows import steps"),
    (house.imports_follow_the_table, "auth/routes/accounts.py", "from auth.stores import users"),
    (house.imports_follow_the_table, "auth/routes/accounts.py", "from models import User"),
    (house.imports_follow_the_table, "utils/errors.py", "def late():\n    from models import User"),
    (house.imports_follow_the_table, "utils/http.py", "from auth.errors import Conflict"),
    (house.imports_follow_the_table, "utils/http.py", "from . import errors"),
    (house.imports_follow_the_table, "models.py", "from utils.crypto import mac"),
    (house.imports_follow_the_table, "config.py", "from utils.crypto import mac"),
    (house.imports_follow_the_table, "ops.py", "from auth.flows import accounts"),
    (house.imports_follow_the_table, "auth/helpers.py", ""),
    (house.imports_follow_the_table, "helpers.py", "from auth.stores import users"),
    (house.no_import_cycles, "utils/crypto.py", "import utils.access_tokens"),
    (house.no_import_cycles, "utils/errors.py", "if True:\n    from utils import http, auth_helpers"),
    (house.no_import_cycles, "auth/outputs.py", "from auth.routes import accounts"),
    (
        house.current_app_is_in_one_file,
        "auth/routes/accounts.py",
        "from flask import current_app\ncurrent_app.x",
    ),
    (house.current_app_is_in_one_file, "utils/http.py", "import flask\nflask.current_app.config"),
    (house.only_flows_commit, "auth/stores/users.py", "def f(session):\n    session.commit()"),
    (house.only_flows_commit, "auth/routes/accounts.py", "services().session().commit()"),
    (house.only_flows_commit, "auth/flows/steps/links.py", "def f(session):\n    session.commit()"),
    (house.only_stores_speak_sql, "auth/flows/sign_in.py", "from sqlalchemy import select"),
    (house.only_stores_speak_sql, "auth/flows/sign_in.py", "from sqlalchemy.sql import text"),
    (house.only_stores_speak_sql, "auth/flows/sign_in.py", "def f(session):\n    session.get(User, 1)"),
    (house.only_stores_speak_sql, "auth/routes/sessions.py", "services().session().execute('')"),
    (house.only_stores_speak_sql, "models.py", "db.select(User)"),
    (house.no_model_query, "auth/stores/users.py", "User.query.filter_by(id=1)"),
    (house.no_model_query, "auth/stores/users.py", "def f(session):\n    session.query(User)"),
    (house.no_flask_below_the_routes, "auth/flows/sign_in.py", "from flask import request"),
    (house.no_flask_below_the_routes, "auth/stores/audit.py", "def late():\n    import flask.globals"),
    (house.no_flask_below_the_routes, "auth/tokens.py", "from werkzeug.exceptions import NotFound"),
    (house.no_flask_below_the_routes, "models.py", "from flask import g"),
    (house.no_file_is_long, "auth/tokens.py", "\n" * 300),
    (house.no_file_is_long, "tests/test_long.py", "\n" * 301),
    (house.no_file_is_long, "models.py", "\n" * 600),
    (house.routes_are_short, "auth/routes/accounts.py", LONG_ROUTE),
    (house.there_is_one_clock, "auth/flows/sign_in.py", "from datetime import datetime\ndatetime.now()"),
    (house.there_is_one_clock, "auth/tokens.py", "import datetime\ndatetime.datetime.utcnow()"),
    (house.there_is_one_clock, "utils/crypto.py", "import time\ntime.time()"),
    (house.there_is_one_clock, "utils/crypto.py", "from time import time"),
    (house.there_is_one_clock, "models.py", "field(default=datetime.utcnow)"),
    (house.failures_are_raised_and_not_written, "auth/routes/accounts.py", "abort(404)"),
    (house.failures_are_raised_and_not_written, "ops.py", "flask.jsonify(error='no')"),
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
    assert any(path in fault or fault.startswith("a cycle") for fault in new)


def test_every_rule_has_its_sabotage() -> None:
    assert {rule for rule, _, _ in SABOTAGES} == set(RULES)


def test_the_sources_are_really_read() -> None:
    assert {"app.py", "auth/flows/sign_in.py", "auth/stores/users.py", "tests/house.py"} <= set(
        project_sources()
    )
