"""`APP_MODULES`: what a module offers is registered, and faults stop the start with their reason."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from auth_testing.service import MovedClock, NewUser, app_in_memory
from config import ConfigurationError, Settings, TestingConfig
from tests.support.service import shut_down

BLUEPRINT = """
from flask import Blueprint
blueprint = Blueprint("{name}", __name__)
@blueprint.get("{path}")
def view(**_):
    return {{"said": "yes"}}
"""
REGISTER = """
def register(app):
    app.add_url_rule("{path}", "own", lambda: {{"said": "registered"}}, methods=["GET", "POST"])
"""

Start = Callable[..., Flask]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start the service with modules of these names and texts."""
    monkeypatch.syspath_prepend(tmp_path)
    before, apps = {*sys.modules}, []

    def started(names: str = "", /, **texts: str) -> Flask:
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        given = {"APP_MODULES": names or ",".join(texts)}
        apps.append(create_app(settings=Settings.load(TestingConfig, given)))
        return apps[-1]

    yield started
    for app in apps:
        shut_down(app)
    for name in {*sys.modules} - before:
        del sys.modules[name]


def fault(start: Start, names: str = "", /, **texts: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        start(names, **texts)
    (said,) = refused.value.faults
    assert said.startswith("APP_MODULES")
    return said


def test_blueprint_of_a_module_is_registered(start: Start) -> None:
    client = start(reports_a=BLUEPRINT.format(name="reports", path="/reports")).test_client()
    assert client.get("/reports").get_json() == {"said": "yes"}


def test_register_of_a_module_is_called_with_the_app(start: Start) -> None:
    client = start(reports_b=REGISTER.format(path="/reports")).test_client()
    assert client.post("/reports").get_json() == {"said": "registered"}


def test_missing_module_is_named(start: Start) -> None:
    assert "reports_x is neither beside app.py nor installed" in fault(start, "reports_x")
    assert "reports_x.views is neither" in fault(start, "reports_x.views")
    assert "must be names" in fault(start, "reports-x")


def test_module_that_lacks_another_one_shows_which(start: Start) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        start(reports_c="import no_such_package")


@pytest.mark.parametrize(
    "text",
    ["", BLUEPRINT.format(name="own", path="/own") + REGISTER.format(path="/other")],
    ids=["neither", "both"],
)
def test_module_with_neither_or_both_is_refused(start: Start, text: str) -> None:
    assert "reports_d must have blueprint, a flask.Blueprint, or register" in fault(start, reports_d=text)


@pytest.mark.parametrize("text", ["blueprint = 'reports'", "register = 'reports'"])
def test_wrong_kind_of_offer_is_refused(start: Start, text: str) -> None:
    assert "reports_e has a" in fault(start, reports_e=text)


def test_name_of_a_blueprint_of_the_service_is_refused(start: Start) -> None:
    assert "name auth, which is taken" in fault(
        start, reports_f=BLUEPRINT.format(name="auth", path="/reports")
    )


@pytest.mark.parametrize("path", ["/auth/reports", "/oauth/x", "/login", "/", "/docs/more", "/health"])
@pytest.mark.parametrize("kind", [BLUEPRINT, REGISTER])
def test_address_of_the_service_is_refused(start: Start, kind: str, path: str) -> None:
    said = fault(start, reports_g=kind.format(name="reports", path=path))
    assert f"has the address {path}; what begins with /" in said


def test_address_that_begins_with_a_variable_is_refused(start: Start) -> None:
    said = fault(start, reports_h=BLUEPRINT.format(name="reports", path="/<path:everything>"))
    assert "its first part must be a fixed word" in said


def test_address_of_another_module_is_refused(start: Start) -> None:
    texts = {
        "reports_i": BLUEPRINT.format(name="one", path="/reports/<name>"),
        "reports_j": BLUEPRINT.format(name="two", path="/reports/<uuid:id>"),
    }
    assert "reports_j has the address /reports/<uuid:id>, as reports_i has" in fault(start, **texts)


def test_first_parts_of_the_service_are_fixed_words(start: Start) -> None:
    """Otherwise an address of a module could be one of the service all the same."""
    assert all("<" not in rule.rule.split("/")[1] for rule in start().url_map.iter_rules())


def test_users_of_the_fixtures_have_their_roles_and_log_in_again() -> None:
    clock = MovedClock()
    with app_in_memory({"REQUIRE_VERIFIED_EMAIL": "true"}, clock) as app:
        user = NewUser(app)("grace", roles={"reporter": ["reports:read"]})
        client = app.test_client()
        asked = client.get("/auth/me", headers=user.headers)
        assert asked.get_json()["permissions"] == ["reports:read"]
        assert asked.get_json()["user"]["id"] == user.id
        clock.advance(3601)
        assert client.get("/auth/me", headers=user.headers).status_code == 401
        user.log_in()
        assert client.get("/auth/me", headers=user.headers).status_code == 200
        assert user.password not in repr(user)
