"""docs/security/conformance.md has every module of the suite, each with a test that exists."""

from collections import Counter

from tests.support import evidence
from tests.support.architecture import ROOT
from tests.support.documents import read, table_rows

DOCUMENT = read("docs/security/conformance.md")
MODULES = [line.split() for line in read("tests/docs/conformance-modules.txt").splitlines() if line[0] != "#"]
ROWS = table_rows(DOCUMENT, "module", "about", "expected", "test")


def test_every_module_of_the_plans_has_a_row() -> None:
    assert [row[0] for row in ROWS] == [module for _, module in MODULES]
    counted = Counter(plan for plan, _ in MODULES)
    assert sorted(counted.values()) == [1, 2, 11, 38]
    for plan, count in counted.items():
        assert f"`{plan}`, {count} module" in DOCUMENT


def test_every_module_has_an_existing_test_with_its_name() -> None:
    faults = evidence.unknown_tests(DOCUMENT)
    for module, _, expected, cell in ROWS:
        named = evidence.NODE.findall(cell)
        texts = [path.read_text() for file, _ in named for path in (ROOT / "tests/conformance").glob(file)]
        if not expected or not any(module.replace("-", "_") in text for text in texts):
            faults.append(f"{module}: no test has its name")
    assert faults == []
