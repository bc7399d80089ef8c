"""The architecture rules; each is shown to detect a violation before it is applied to the sources."""

from collections.abc import Callable

import pytest

from tests.support import architecture
from tests.support.architecture import Sources, project_sources

Rule = Callable[[Sources], list[str]]

RULES: list[Rule] = [
    architecture.top_level_modules_follow_the_table,
    architecture.product_imports_nothing_beside_it,
    architecture.current_app_is_in_one_file,
    architecture.only_flows_commit,
    architecture.only_stores_speak_sql,
    architecture.only_ending_ends_sessions,
    architecture.no_model_query,
    architecture.no_flask_below_the_routes,
    architecture.no_file_is_long,
    architecture.routes_are_short,
]

LONG_ROUTE = "def long():\n" + "    print()\n" * 21

# Rule, file (created if missing), and the violation appended to it.
SABOTAGES: list[tuple[Rule, str, str]] = [
    (architecture.top_level_modules_follow_the_table, "models.py", "from utils.crypto import mac"),
    (architecture.top_level_modules_follow_the_table, "config.py", "from utils.crypto import mac"),
    (architecture.product_imports_nothing_beside_it, "auth/tokens.py", "from tests.support import service"),
    (
        architecture.product_imports_nothing_beside_it,
        "utils/web/http.py",
        "import auth_testing",
    ),
    (
        architecture.current_app_is_in_one_file,
        "auth/accounts/routes.py",
        "from flask import current_app\ncurrent_app.x",
    ),
    (architecture.current_app_is_in_one_file, "utils/web/http.py", "import flask\nflask.current_app.config"),
    (architecture.only_flows_commit, "auth/stores/users.py", "def f(session):\n    session.commit()"),
    (architecture.only_flows_commit, "auth/accounts/routes.py", "services().tx().commit()"),
    (architecture.only_flows_commit, "auth/mailing/links.py", "def f(session):\n    session.commit()"),
    (architecture.only_stores_speak_sql, "auth/login/password.py", "from sqlalchemy import select"),
    (architecture.only_stores_speak_sql, "auth/login/password.py", "from sqlalchemy.sql import text"),
    (
        architecture.only_stores_speak_sql,
        "auth/login/password.py",
        "def f(session):\n    session.get(User, 1)",
    ),
    (architecture.only_stores_speak_sql, "auth/sessions/routes.py", "services().tx().execute('')"),
    (architecture.only_stores_speak_sql, "models.py", "db.select(User)"),
    (architecture.only_ending_ends_sessions, "auth/login/complete.py", "sessions.end(1)"),
    (architecture.only_ending_ends_sessions, "oauth/tokens.py", "sessions.end_all(1)"),
    (architecture.only_ending_ends_sessions, "auth/admin/pruning.py", "run_out_sessions.end(1)"),
    (
        architecture.only_ending_ends_sessions,
        "auth/login/complete.py",
        "from auth.stores.sessions import end_others",
    ),
    (
        architecture.only_ending_ends_sessions,
        "auth/login/complete.py",
        "from auth.stores import sessions as rows",
    ),
    (architecture.no_model_query, "auth/stores/users.py", "User.query.filter_by(id=1)"),
    (architecture.no_model_query, "auth/stores/users.py", "def f(session):\n    session.query(User)"),
    (architecture.no_flask_below_the_routes, "auth/login/password.py", "from flask import request"),
    (architecture.no_flask_below_the_routes, "auth/stores/audit.py", "def late():\n    import flask.globals"),
    (architecture.no_flask_below_the_routes, "auth/tokens.py", "from werkzeug.exceptions import NotFound"),
    (architecture.no_flask_below_the_routes, "models.py", "from flask import g"),
    (architecture.no_file_is_long, "auth/tokens.py", "\n" * 300),
    (architecture.no_file_is_long, "tests/test_long.py", "\n" * 301),
    (architecture.no_file_is_long, "models.py", "\n" * 600),
    (architecture.routes_are_short, "auth/accounts/routes.py", LONG_ROUTE),
]


def _named(value: object) -> str | None:
    return getattr(value, "__name__", None)


@pytest.mark.parametrize("rule", RULES, ids=_named)
def test_architecture_rule_holds(rule: Rule) -> None:
    assert rule(project_sources()) == []


@pytest.mark.parametrize(("rule", "path", "addition"), SABOTAGES, ids=_named)
def test_architecture_violation_is_detected(rule: Rule, path: str, addition: str) -> None:
    source = project_sources().get(path, "")
    faults = rule({path: f"{source}\n{addition}\n"})
    assert any(path in fault for fault in set(faults) - set(rule({path: source})))


def test_every_architecture_rule_has_a_violation_test() -> None:
    assert {rule for rule, _, _ in SABOTAGES} == set(RULES)


def test_architecture_rules_read_the_sources() -> None:
    read = {"app.py", "auth/login/password.py", "auth/stores/users.py", "tests/support/architecture.py"}
    assert read <= set(project_sources())


def test_no_script_stylesheet_or_template_is_long() -> None:
    paths = [
        path for kind in ("js", "css", "html") for path in (architecture.ROOT / "pages").rglob(f"*.{kind}")
    ]
    assert len(paths) > 40
    assert architecture.no_file_is_long({path.name: path.read_text("utf-8") for path in paths}) == []
