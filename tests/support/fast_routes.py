"""Compile each route once in a test process.

Werkzeug parses a rule, and compiles two functions for it, whenever it is added to a map: most of the
34 ms of `create_app`. The result depends on the rule alone, so all apps of a process can share it.
"""

from typing import Any

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


def share_routes() -> None:
    """Make every app of this process share its compiled routes."""
    Rule.compile = _compile_once  # type: ignore[method-assign,assignment]
