"""docs/security names existing tests and files, counts correctly, and omits no requirement."""

import re

import pytest

from tests.support import evidence
from tests.support.architecture import ROOT
from tests.support.documents import read, table_rows
from tests.support.project import project_files

IDS = read("tests/docs/asvs-ids.txt")
DOCUMENT = read("docs/security/asvs.md")
PAST = read("docs/security/past-faults.md")
MARKDOWN = [path.relative_to(ROOT).as_posix() for path in project_files() if path.suffix == ".md"]
REPORTS = [name for name in MARKDOWN if "/" not in name or name.startswith("docs/")]


def test_the_requirements_are_complete_and_their_tests_exist() -> None:
    assert evidence.requirement_faults(DOCUMENT, IDS) == []


def test_requirement_ids_are_complete() -> None:
    ids = evidence.known(IDS)
    assert len(ids) == 259
    assert {one.applies for one in ids.values()} == {"yes", "no", "if-feature"}
    assert {one.level for one in ids.values()} == {"1", "2", "3"}
    assert len(evidence.requirements(DOCUMENT)) + len(evidence.left_out(DOCUMENT)) == len(ids)


def test_past_faults_name_existing_tests() -> None:
    assert evidence.past_fault_faults(PAST) == []
    assert len(table_rows(PAST, *evidence.FAULTS)) >= 50


@pytest.mark.parametrize("document", REPORTS)
def test_documents_name_existing_tests(document: str) -> None:
    assert evidence.unknown_tests(read(document)) == []


SAMPLE_IDS = "# a comment\n1.1.1 1 yes\n1.1.2 2 if-feature\n1.1.3 3 yes\n1.1.4 1 no\n"
SAMPLE = """
| level | met | planned | not met | not applicable | all |
| --- | --- | --- | --- | --- | --- |
| 1 | 1 | 0 | 0 | 0 | 1 |
| 2 | 0 | 0 | 0 | 1 | 1 |
| 3 | 0 | 1 | 0 | 0 | 1 |
| all | 1 | 1 | 0 | 1 | 3 |

| id | requirement | status | evidence |
| --- | --- | --- | --- |
| 1.1.1 | this | met: so | `test_evidence.py::test_requirement_ids_are_complete`, `docs/reference/api.md` |
| 1.1.2 | that | not applicable: no such feature | no test: there is nothing to test |

| id | requirement | status | evidence |
| --- | --- | --- | --- |
| 1.1.3 | those | planned: half of it | `tests/support/evidence.py` |

- 1.1.4: no such feature
"""


def test_valid_sample_requirements_have_no_fault() -> None:
    assert evidence.requirement_faults(SAMPLE, SAMPLE_IDS) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("test_requirement_ids_are_complete", "test_the_list_of_ids", "no such test"),
        ("test_evidence.py", "test_evidences.py", "no such test"),
        ("test_requirement_ids_are_complete", "evidence", "is neither a test nor a file"),
        ("`docs/reference/api.md`", "`docs/apis.md`", "is neither a test nor a file"),
        ("`docs/reference/api.md`", "`docs`", "is neither a test nor a file"),
        ("`tests/support/evidence.py`", "", "neither a test nor a reason"),
        ("`tests/support/evidence.py`", "by looking", "neither a test nor a reason"),
        ("no test: there is nothing to test", "no test:", "neither a test nor a reason"),
        ("| 1.1.3 |", "| 1.1.1 |", "1.1.1: 2 times"),
        ("| 1.1.3 |", "| 1.1.1 |", "1.1.3: is nowhere"),
        ("- 1.1.4:", "- 1.1.3:", "1.1.3: 2 times"),
        ("- 1.1.4:", "- 1.1.3:", "1.1.3: applies"),
        ("- 1.1.4: no such feature", "- 1.1.4:", "1.1.4: is nowhere"),
        ("| 1.1.3 |", "| 1.1.4 |", "1.1.4: is not to be in the table"),
        ("| 1.1.3 |", "| 9.9.9 |", "9.9.9: is not to be in the table"),
        ("planned: half of it", "not applicable: no such thing", "1.1.3: applies to every service"),
        ("| met: so |", "| |", "1.1.1: a cell is empty"),
        ("| this |", "| |", "1.1.1: a cell is empty"),
        ("| met: so |", "| mostly |", "1.1.1: mostly is no status"),
        ("planned: half of it", "planned", "1.1.3: a status without a reason"),
        ("planned: half of it", "not met: half of it", "the figures are"),
        ("planned: half of it", "met", "the figures are"),
        ("| all | 1 | 1 | 0 | 1 | 3 |", "| all | 2 | 1 | 0 | 1 | 4 |", "the figures are"),
        ("| 3 | 0 | 1 | 0 | 0 | 1 |\n", "", "the figures are"),
    ],
)
def test_invalid_requirement_is_detected(old: str, new: str, said: str) -> None:
    assert SAMPLE.count(old) == 1
    found = evidence.requirement_faults(SAMPLE.replace(old, new), SAMPLE_IDS)
    assert any(said in fault for fault in found), found


PAST_SAMPLE = """
| fault | what went wrong | evidence |
| --- | --- | --- |
| CVE-2020-1 | this | `test_evidence.py::test_requirement_ids_are_complete` |
| GHSA-a1b2-c3 | that | not applicable: no such feature |
| CVE-2020-2 | those | planned: no second factor |
"""


def test_valid_sample_past_faults_have_no_fault() -> None:
    assert evidence.past_fault_faults(PAST_SAMPLE) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("test_requirement_ids_are_complete", "test_the_list_of_ids", "no such test"),
        ("not applicable: no such feature", "it is not so", "GHSA-a1b2-c3: neither"),
        ("planned: no second factor", "", "CVE-2020-2: neither a test nor a reason"),
        ("| those |", "| |", "CVE-2020-2: a cell is empty"),
        ("CVE-2020-2", "CVE-2020-1", "CVE-2020-1: 2 times"),
    ],
)
def test_invalid_past_fault_is_detected(old: str, new: str, said: str) -> None:
    found = evidence.past_fault_faults(PAST_SAMPLE.replace(old, new))
    assert any(said in fault for fault in found), found


def test_security_policy_links_to_every_report() -> None:
    linked = set(re.findall(r"\]\(docs/security/([\w-]+\.md)\)", read("SECURITY.md")))
    assert linked == {path.name for path in (ROOT / "docs/security").glob("*.md")}
