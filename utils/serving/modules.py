"""Modules of your own (`APP_MODULES`): imported by name, registered beside the service's own routes."""

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from flask import Blueprint, Flask
from werkzeug.routing import Rule

from config import ConfigurationError


def register_modules(app: Flask, names: Sequence[str]) -> None:
    """Import each module, and register its `blueprint`, or call its `register` with the app.

    To be called after everything else is registered. Raises `ConfigurationError` if there is no such module,
    if it does not have exactly one of the two, and if the name of its blueprint or an address is taken. What
    the module itself raises passes through.
    """
    reserved = {_first_part(rule) for rule in app.url_map.iter_rules()}
    addresses = {address: "the service" for rule in app.url_map.iter_rules() for address in _addresses(rule)}
    for name in names:
        known = {id(rule) for rule in app.url_map.iter_rules()}
        _offered_by(_imported(name), name, app)(app)
        for rule in [each for each in app.url_map.iter_rules() if id(each) not in known]:
            _check_first_part(rule, reserved, name)
            for address in _addresses(rule):
                owner = addresses.setdefault(address, name)
                if owner != name:
                    raise _refused(name, f"has the address {rule.rule}, as {owner} has")


def _refused(name: str, fault: str) -> ConfigurationError:
    return ConfigurationError([f"APP_MODULES: the module {name} {fault}."])


def _imported(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigurationError(["APP_MODULES must be names such as reports, separated by commas."])
    try:
        return import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name and f"{name}.".startswith(f"{problem.name}."):
            where = "is neither beside app.py nor installed"
            raise _refused(name, where) from None
        raise  # the module is there, and lacks another one


def _offered_by(module: ModuleType, name: str, app: Flask) -> Callable[[Flask], Any]:
    blueprint, register = getattr(module, "blueprint", None), getattr(module, "register", None)
    if (blueprint is None) == (register is None):
        raise _refused(name, "must have blueprint, a flask.Blueprint, or register, a function of the app")
    if register is not None:
        if not callable(register):
            raise _refused(name, "has a register that cannot be called")
        return cast(Callable[[Flask], Any], register)
    if not isinstance(blueprint, Blueprint):
        raise _refused(name, "has a blueprint that is no flask.Blueprint")
    if blueprint.name in app.blueprints:
        raise _refused(name, f"has a blueprint with the name {blueprint.name}, which is taken")
    return lambda app: app.register_blueprint(blueprint)


def _first_part(rule: Rule) -> str:
    return rule.rule.split("/")[1]


def _check_first_part(rule: Rule, reserved: set[str], name: str) -> None:
    """Refuse what would answer in the place of the service, now or after its next release."""
    first = _first_part(rule)
    if "<" in first:
        raise _refused(name, f"has the address {rule.rule}; its first part must be a fixed word")
    if first in reserved:
        raise _refused(name, f"has the address {rule.rule}; what begins with /{first} is the service's")


def _addresses(rule: Rule) -> set[tuple[str, str]]:
    """Return what the rule answers: its path without the names of its variables, with each method."""
    path = re.sub(r"<[^>]*>", "<>", rule.rule)
    return {(path, method) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
