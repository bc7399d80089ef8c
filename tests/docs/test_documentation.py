"""Documents against code: settings, routes, commands, events, columns, links and targets."""

import io
import json
import logging
import re
import shutil
import subprocess
from dataclasses import Field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from dotenv import dotenv_values
from flask import Flask

from app import create_app
from auth.events import EndReason, Event, Refusal
from config import ConfigurationError, DevelopmentConfig, Settings
from config_checks import PAGES
from models import db
from oauth.stores.grants import GrantEnd
from tests.support.architecture import ROOT
from tests.support.commands import commands_of
from tests.support.documents import code_in, read, table_rows
from tests.support.project import project_files
from utils.limits.rate_limits import POLICIES
from utils.observability.logs import JsonLines
from utils.observability.metrics import Metrics
from utils.web.http import Documentation, documentation

SPARE = {"FLASK_SECRET_KEY": "f" * 40, "JWT_SECRET_KEY": "j" * 40}
DEFAULTS = Settings.load(DevelopmentConfig, {}, SPARE)
FIELDS: dict[str, Field[Any]] = {entry.name.upper(): entry for entry in fields(Settings)}
# Computed from other settings, or generated: the documents describe these in words.
COMPUTED = {"PUBLIC_URL", "DOCS_ENABLED", "JWT_ISSUER", "JWT_AUDIENCE", "CORS_ORIGINS", "HASH_CONCURRENCY"}
COMPUTED |= {"MAIL_FROM", "REQUIRE_VERIFIED_EMAIL", *(name.upper() for name in PAGES), "RETURN_ORIGINS"}
COMPUTED |= {"ADMIN_REQUIRE_SECOND_FACTOR", "NEW_ACCOUNT_ROLES", "OAUTH_PRIVATE_NETWORKS", "APP_MODULES"}
COMPUTED |= {"PASSWORD_CONTEXT_WORDS", "LEAKED_PASSWORDS_URL", "CHALLENGE_URL", "TRUSTED_PROXIES"}
COMPUTED |= {"BRAND_COLOR", "BRAND_LOGO", "BRAND_LOGO_DARK"}
COMPUTED |= {"VERIFY_COOKIE", *(name for name, entry in FIELDS.items() if entry.metadata["secret"])}
COMPUTED -= {"DATABASE_URI"}


def test_uncommented_sample_environment_equals_the_defaults() -> None:
    lines = re.sub(r"^# (?=[A-Z_]+=)", "", read(".env.example"), flags=re.MULTILINE)
    given = {k: v or "" for k, v in dotenv_values(stream=io.StringIO(lines)).items()}
    assert set(given) == set(FIELDS)
    assert Settings.load(DevelopmentConfig, given, SPARE) == DEFAULTS


def test_sample_environment_is_commented_out_and_explains_each_setting() -> None:
    for block in re.split(r"\n\n+", read(".env.example").strip()):
        lines = block.splitlines()
        assert all(line.startswith("# ") for line in lines), block
        settings = [line for line in lines if re.match(r"# [A-Z_]+=", line)]
        if settings:
            assert lines[: -len(settings)], f"nothing is said about {settings}"
            assert lines[-len(settings) :] == settings


MARKDOWN = sorted(path for path in project_files() if path.suffix == ".md")
SETTINGS = "docs/reference/settings.md"
SETTING_TABLES = {
    path.relative_to(ROOT).as_posix(): {code_in(row[0])[0]: row for row in rows}
    for path in MARKDOWN
    if (rows := table_rows(path.read_text("utf-8"), "setting", "default"))
}


def test_settings_and_table_rows_match() -> None:
    assert set(SETTING_TABLES[SETTINGS]) == set(FIELDS)
    for document, rows in SETTING_TABLES.items():
        assert set(rows) <= set(FIELDS), document


def check_defaults(rows: dict[str, list[str]]) -> None:
    for name, row in rows.items():
        if name in COMPUTED:
            assert re.search(r"[a-z]{3}", row[1]), f"{name}: the default is described in words"
        else:
            value = getattr(DEFAULTS, name.lower())
            assert row[1] == f"`{str(value).lower() if isinstance(value, bool) else value}`", name


@pytest.mark.parametrize("document", SETTING_TABLES)
def test_documented_defaults_are_correct(document: str) -> None:
    check_defaults(SETTING_TABLES[document])


@pytest.mark.parametrize("name", ["JWT_ACCESS_TOKEN_EXPIRES", "SESSION_IDLE_LIFETIME"])
def test_wrong_default_in_the_table_fails(name: str) -> None:
    with pytest.raises(AssertionError, match=name):
        check_defaults({name: [SETTING_TABLES[SETTINGS][name][0], "`1`"]})


def test_settings_document_names_the_file_form_of_every_secret() -> None:
    secrets = {f"{name}_FILE" for name, entry in FIELDS.items() if entry.metadata["secret"]}
    assert set(re.findall(r"\b[A-Z_]+_FILE\b", read(SETTINGS))) == secrets


def test_documented_ranges_are_correct() -> None:
    ranges = {name: re.fullmatch(r"(\d+) to (\d+)", row[2]) for name, row in SETTING_TABLES[SETTINGS].items()}
    assert {name for name, found in ranges.items() if found} == {
        name for name, entry in FIELDS.items() if type(getattr(DEFAULTS, entry.name)) is int
    }
    for name, found in ranges.items():
        if found:
            low, high = int(found[1]), int(found[2])
            for value in (low, high):
                Settings.load(DevelopmentConfig, {name: str(value)}, SPARE)
            for value in (low - 1, high + 1):
                with pytest.raises(ConfigurationError, match=name):
                    Settings.load(DevelopmentConfig, {name: str(value)}, SPARE)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub generates them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", MARKDOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_and_anchor_exists(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        file = (document.parent / place).resolve() if place else document
        assert file.exists(), f"{document.name} -> {target}"
        assert not anchor or anchor in anchors(file), f"{document.name} -> {target}"


def test_decision_index_is_complete() -> None:
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", read("docs/decisions/README.md"))
    present = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert listed == present


FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TARGETS = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_help_lists_every_target() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^ +make ([a-z-]+) +\S", said, re.MULTILINE)) == TARGETS


@pytest.mark.parametrize("document", MARKDOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_documented_make_target_exists(document: Path) -> None:
    text = document.read_text("utf-8")
    typed = [line for block in FENCE.findall(text) for line in block.splitlines()]
    mentioned = (re.match(r"make ([a-z-]+)", code) for code in [*typed, *code_in(FENCE.sub("", text))])
    assert {found[1] for found in mentioned if found} <= TARGETS


EVENTS = "docs/reference/events.md"


@pytest.mark.parametrize(
    ("words", "header"),
    [
        (Event, "event"),
        (Refusal, "`reason`"),
        (EndReason, "`sessions.end_reason`"),
        (GrantEnd, "`oauth_grants.end_reason`"),
    ],
)
def test_every_audit_word_is_documented(words: type[StrEnum], header: str) -> None:
    told = [word for row in table_rows(read(EVENTS), header) for word in code_in(row[0])]
    assert sorted(told) == sorted(words)


def test_every_column_is_in_the_inventory() -> None:
    told = [
        name
        for row in table_rows(read("docs/reference/data.md"), "column", "class")
        for name in code_in(row[0])
    ]
    real = [str(column) for table in db.metadata.tables.values() for column in table.columns]
    assert sorted(told) == sorted(real)


@pytest.fixture
def app() -> Flask:
    return create_app("testing")


def test_every_log_field_is_documented(app: Flask) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("auth")
    log.addHandler(handler)
    try:
        app.test_client().get("/auth/me")
        log.info("a line with an exception", exc_info=(LookupError, LookupError(), None))
    finally:
        log.removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 2
    real = {name for line in lines for name in line} | extra_fields()
    told = {name for row in table_rows(read(EVENTS), "field", "on") for name in code_in(row[0])}
    assert told == real


def extra_fields() -> set[str]:
    """Return the names in every `extra={...}` of the product."""
    product = [p for p in project_files() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] != "tests"]
    given = (e for p in product for e in re.findall(r"\bextra=\{(.*?)\}", p.read_text("utf-8"), re.DOTALL))
    return {name for extra in given for name in re.findall(r'"(\w+)":', extra)}


def log_events() -> set[str]:
    """Return the message of every logging call of the product."""
    call = r"""\b(?:log\.(?:debug|info|warning|error|exception)\(\s*|LogRecord\([^"]*)"([^"]+)\""""
    product = [p for p in project_files() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] != "tests"]
    return {event for path in product for event in re.findall(call, path.read_text("utf-8"))}


def test_every_log_event_is_documented() -> None:
    told = [word for row in table_rows(read(EVENTS), "log event") for word in code_in(row[0])]
    assert sorted(told) == sorted(log_events())


API = "docs/reference/api.md"


class Route(NamedTuple):
    """What the documents state about a route."""

    caller: str
    limits: list[str]


def documented_routes() -> dict[str, Route]:
    """Return the documented routes: those of the API, and those of the screens with their shared values."""
    told = {code_in(row[0])[0]: Route(row[1], code_in(row[2])) for row in table_rows(read(API), "call")}
    for row in table_rows(read("docs/guides/screens.md"), "route"):
        for call in code_in(row[0]):
            told[call] = Route("anyone", ["logout" if call == "POST /logout" else "reads"])
    return told


def served_routes(app: Flask) -> dict[str, Documentation]:
    """Return the application's routes, each with the documentation from its decorators."""
    return {
        f"{method} {rule.rule}": documentation(app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_documented_with_its_caller(app: Flask) -> None:
    told, served = documented_routes(), served_routes(app)
    assert set(told) == set(served)
    for call, view in served.items():
        assert told[call].caller.startswith("bearer") == view.guarded, call


def test_documented_rate_limits_are_correct(app: Flask) -> None:
    told = {code_in(row[0])[0]: row[1:] for row in table_rows(read(API), "limit", "calls")}
    assert set(told) == set(POLICIES)
    for name, policy in POLICIES.items():
        counted = "together" if policy.exact else "by each process"
        assert told[name][:2] == [str(policy.quota), str(policy.window)], name
        assert told[name][-1] == counted, name
    for call, view in served_routes(app).items():
        assert documented_routes()[call].limits[:1] == ([view.limit] if view.limit else []), call


def test_every_command_is_documented() -> None:
    rows = [row for path in MARKDOWN for row in table_rows(path.read_text("utf-8"), "command")]
    told = {word.split()[0] for row in rows for word in code_in(row[0]) if not word.startswith("-")}
    assert told == set(commands_of())


def test_every_metric_is_documented(app: Flask) -> None:
    told = {code_in(row[0])[0]: code_in(row[1]) for row in table_rows(read(EVENTS), "metric")}
    metrics = [value for value in vars(Metrics()).values() if hasattr(value, "describe")]
    real = {
        f"{m.describe()[0].name}{'_total' if m.describe()[0].type == 'counter' else ''}": [*m._labelnames]
        for m in metrics
    }
    assert told == real


def test_no_unfinished_work_markers_remain() -> None:
    words = re.compile(
        "|".join(rf"\b{a}{b}\b" for a, b in [("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("TB", "D")])
    )
    for path in project_files():
        if path.suffix in {".py", ".md", ".toml", ".txt", ".in", ".mako", ".ini"} or path.name == "Makefile":
            found = words.search(path.read_text("utf-8"))
            assert not found, f"{path.relative_to(ROOT)}: {found}"
