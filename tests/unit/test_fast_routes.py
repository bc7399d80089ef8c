"""Apps of one test process share their routes, and have the same ones as an app that registers its own."""

from typing import Any

import pytest
from flask import Blueprint, Flask

from app import create_app
from tests.support import fast_routes


def _routing(app: Flask) -> dict[str, Any]:
    # Flask sets the last one on its rules, which Werkzeug's type does not have.
    rules = [
        (rule.rule, rule.endpoint, rule.methods, rule.defaults, rule.provide_automatic_options)  # type: ignore[attr-defined]
        for rule in app.url_map.iter_rules()
    ]
    specs = (
        "error_handler_spec",
        "before_request_funcs",
        "after_request_funcs",
        "template_context_processors",
    )
    counts = {name: {key: len(each) for key, each in getattr(app, name).items()} for name in specs}
    return {"rules": rules, "views": [*app.view_functions], "blueprints": app.blueprints} | counts


def test_app_with_shared_routes_has_those_that_it_would_register(monkeypatch: pytest.MonkeyPatch) -> None:
    create_app("testing")
    shared = create_app("testing")
    assert {*shared.blueprints.values()} <= fast_routes._registered.keys()
    monkeypatch.setattr(Flask, "register_blueprint", fast_routes.register_blueprint)
    assert _routing(shared) == _routing(create_app("testing"))


def test_blueprint_with_a_call_of_its_own_is_registered_with_each_app() -> None:
    calls = list[Flask]()
    blueprint = Blueprint("calls", __name__)
    # The state declares `App`, the base class of Flask.
    blueprint.record(lambda state: calls.append(state.app))  # type: ignore[arg-type]
    apps = [Flask("one"), Flask("two")]
    for app in apps:
        app.register_blueprint(blueprint)
    assert calls == apps


def test_blueprint_is_refused_twice_in_one_app() -> None:
    blueprint, app = Blueprint("twice", __name__), Flask("app")
    app.register_blueprint(blueprint)
    with pytest.raises(ValueError, match="already registered"):
        app.register_blueprint(blueprint)
