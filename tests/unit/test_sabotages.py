"""Each entry of `tests/sabotage` fits the sources, so that `make sabotage` can break its rule."""

import ast
import pkgutil
from collections.abc import Iterator
from importlib import import_module

from tests import sabotage
from tests.sabotage import Sabotage
from tests.support.project import ROOT, find_tests


def every() -> Iterator[Sabotage]:
    """Yield every entry of the modules of `tests/sabotage`."""
    for module in pkgutil.iter_modules(sabotage.__path__):
        if module.name != "__main__":
            for value in vars(import_module(f"tests.sabotage.{module.name}")).values():
                if isinstance(value, list):
                    yield from (each for each in value if isinstance(each, Sabotage))


def functions(file: str) -> list[str]:
    """Return the names of the functions of the one file of tests with this name, or nothing."""
    found = find_tests(file)
    if len(found) != 1:
        return []
    return [node.name for node in ast.parse(found[0].read_text("utf-8")).body if hasattr(node, "name")]


def test_every_sabotage_changes_exactly_one_place() -> None:
    places = {each.name: (ROOT / each.file).read_text("utf-8").count(each.old) for each in every()}
    assert len(places) > 300
    assert {name: count for name, count in places.items() if count != 1} == {}


def test_every_sabotage_names_an_existing_test() -> None:
    tests = {each.test for each in every()}
    named = {test: test.partition("::") for test in tests}
    assert [test for test, (file, _, name) in named.items() if name not in functions(file)] == []
