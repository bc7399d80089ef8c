"""docs/guides/screens.md lists every numbered check of the screens, and each is a test."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.documents import read, table_rows

HERE = Path(__file__).parent


def checked_numbers() -> set[int]:
    """Return the numbers in the names of the screen tests; `test_80_and_64_devices` has two of them."""
    found: set[int] = set()
    for path in HERE.rglob("test_screen_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (
                name := re.match(r"test_(\d\d+(?:_and_\d\d+)?)_", node.name)
            ):
                found |= {int(number) for number in name[1].split("_and_")}
    return found


def documented_numbers() -> Iterator[int]:
    for row in table_rows(read("docs/guides/screens.md"), "checks", "subject"):
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", row[0]):
            yield from range(int(first), int(last or first) + 1)


def test_table_of_checks_matches_the_tests() -> None:
    assert sorted(documented_numbers()) == sorted(checked_numbers())
