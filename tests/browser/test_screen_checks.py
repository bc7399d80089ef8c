"""docs/screen-checks.md lists the tests of the numbered checks as they are."""

import ast
import re
from pathlib import Path

from tests.docs.test_documentation import read, table_rows

HERE = Path(__file__).parent
HEADER = ("check", "test", "in", "run by")


def check_rows() -> list[list[str]]:
    """One row for each test of a numbered check, in the order of their numbers."""
    found = []
    for path in sorted(HERE.glob("test_screen_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            name = re.match(r"test_(\d\d+(?:_and_\d\d)?)_(.*)", node.name)
            if not name:
                continue
            slow = any("slow" in ast.unparse(decorator) for decorator in node.decorator_list)
            number, words = name[1].replace("_and_", ", ").lstrip("0"), name[2].replace("_", " ")
            found.append([number, words, f"`{path.name}`", "`make check`" if slow else "`make test`"])
    return sorted(found, key=lambda row: int(row[0].split(",")[0]))


def test_the_table_of_checks_is_as_the_tests_are() -> None:
    assert table_rows(read("docs/screen-checks.md"), *HEADER[:2]) == check_rows()
    assert len(check_rows()) > 80
