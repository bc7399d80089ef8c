"""Compile each route, and register each blueprint, once in a test process.

Werkzeug parses a rule, and compiles two functions for it, whenever it is added to a map: most of the
34 ms of `create_app`. The result depends on the rule alone, so all apps of a process can share it.

Of the rest, a third is what Flask does for each rule of a blueprint, which adds the same ones to each app.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import Flask
from flask.sansio.blueprints import Blueprint
from werkzeug.routing import Rule

_compile = Rule.compile
_compiled: dict[tuple[Any, ...], dict[str, Any]] = {}
_MADE = ("_parts", "_trace", "_converters", "arguments")


def _compile_once(rule: Rule) -> None:
    """Reuse what was compiled for the same rule, or compile it."""
    assert rule.map is not None
    if rule.map.host_matching or rule.subdomain:
        _compile(rule)
        return
    defaults = tuple(sorted((rule.defaults or {}).items()))
    key = (rule.rule, defaults, rule.merge_slashes, rule.strict_slashes, rule.websocket)
    if key not in _compiled:
        _compile(rule)
        builders = (rule._build.__func__, rule._build_unknown.__func__)  # type: ignore[attr-defined]
        _compiled[key] = {name: getattr(rule, name) for name in _MADE} | {"builders": builders}
        return
    made = _compiled[key]
    for name in _MADE:
        setattr(rule, name, made[name])
    build, build_unknown = made["builders"]
    rule._build, rule._build_unknown = build.__get__(rule), build_unknown.__get__(rule)


class _Registered(NamedTuple):
    """What a blueprint added to the first app."""

    blueprints: dict[str, Any]
    views: dict[str, Any]
    rules: list[Rule]


register_blueprint = Flask.register_blueprint
_registered: dict[Blueprint, _Registered] = {}


def _with_nested(blueprint: Blueprint) -> Iterator[Blueprint]:
    yield blueprint
    for nested, _ in blueprint._blueprints:
        yield from _with_nested(nested)


def _has_only_rules(blueprint: Blueprint) -> bool:
    """Whether it has rules, and functions for requests, and neither commands nor calls with the app."""
    adds_rule = f"{Blueprint.__qualname__}.add_url_rule.<locals>.<lambda>"
    has_more = blueprint.cli.commands or blueprint.has_static_folder
    return not has_more and all(each.__qualname__ == adds_rule for each in blueprint.deferred_functions)


def _register_once(app: Flask, blueprint: Blueprint, **options: Any) -> None:
    """Add what the blueprint added to the first app, or register it."""
    if options or not all(map(_has_only_rules, _with_nested(blueprint))):
        register_blueprint(app, blueprint, **options)
        return
    of_map = app.url_map._rules_by_endpoint
    if blueprint not in _registered:
        blueprints, views, endpoints = {*app.blueprints}, {*app.view_functions}, {*of_map}
        register_blueprint(app, blueprint)
        _registered[blueprint] = _Registered(
            {name: each for name, each in app.blueprints.items() if name not in blueprints},
            {name: each for name, each in app.view_functions.items() if name not in views},
            [rule for endpoint, rules in of_map.items() if endpoint not in endpoints for rule in rules],
        )
        return
    made = _registered[blueprint]
    if not app.blueprints.keys().isdisjoint(made.blueprints):
        register_blueprint(app, blueprint)  # refuses it
    for name, each in made.blueprints.items():
        app.blueprints[name] = each
        each._merge_blueprint_funcs(app, name)
    app.view_functions.update(made.views)
    for rule in made.rules:
        app.url_map._matcher.add(rule)
        of_map.setdefault(rule.endpoint, []).append(rule)
    app.url_map._remap = True


def share_routes() -> None:
    """Make every app of this process share its compiled routes, and those of its blueprints."""
    # Methods of classes are replaced, as all apps have to share what they keep.
    Rule.compile = _compile_once  # type: ignore[method-assign,assignment]
    Flask.register_blueprint = _register_once  # type: ignore[method-assign,assignment]
