"""The rules of docs/security as functions over its texts: each returns what is wrong, or nothing."""

import ast
import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from tests.support.architecture import ROOT
from tests.support.documents import code_in, table_rows
from tests.support.project import find_tests

TABLE = ("id", "requirement", "status", "evidence")
STATES = ("met", "planned", "not met", "not applicable")
FAULTS = ("fault", "what went wrong", "evidence")
NODE = re.compile(r"(test_\w+\.py)::(test_\w+)")


class Requirement(NamedTuple):
    """A row of the table."""

    id: str
    text: str
    status: str
    evidence: str

    @property
    def state(self) -> str:
        """The word before the colon of the status."""
        return self.status.partition(":")[0]


class Known(NamedTuple):
    """A row of the list of all ids."""

    level: str
    applies: str


def requirements(text: str) -> list[Requirement]:
    """Every row of the tables; one with too few or too many cells is filled or cut."""
    return [Requirement(*(row + [""] * 4)[:4]) for row in table_rows(text, *TABLE)]


def known(text: str) -> dict[str, Known]:
    """The list of all ids."""
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {name: Known(level, applies) for name, level, applies in lines}


def left_out(text: str) -> list[str]:
    """The ids of the list at the end, each with its reason."""
    return re.findall(r"^- (\d+\.\d+\.\d+): \w.{5,}$", text, re.MULTILINE)


@cache
def functions(file: str) -> frozenset[str]:
    """The functions at the top of a file of tests; none if there is no such file."""
    trees = [ast.parse(path.read_text("utf-8")) for path in find_tests(file)]
    return frozenset(n.name for tree in trees for n in tree.body if isinstance(n, ast.FunctionDef))


def unknown_tests(text: str) -> list[str]:
    """Everything of the form `test_x.py::test_y` that is no test."""
    return [
        f"{file}::{name}: no such test" for file, name in NODE.findall(text) if name not in functions(file)
    ]


def evidence_faults(name: str, cell: str, reasons: tuple[str, ...]) -> list[str]:
    """What is wrong with a cell that names tests and files, or gives a reason why there are none."""
    named = code_in(cell)
    if not named and not re.match(rf"({'|'.join(reasons)}): \w.{{5,}}", cell):
        return [f"{name}: neither a test nor a reason"]
    return [
        f"{name}: {item} is neither a test nor a file"
        for item in named
        if not NODE.fullmatch(item) and not (ROOT / item).is_file()
    ]


def figures(rows: list[Requirement], ids: dict[str, Known]) -> list[list[str]]:
    """The table of the introduction, as it should be."""
    counted = Counter((ids[row.id].level, row.state) for row in rows if row.id in ids)
    table = []
    for level in ("1", "2", "3", "all"):
        of = [sum(counted[one, state] for one in ("123" if level == "all" else level)) for state in STATES]
        table.append([level, *map(str, of), str(sum(of))])
    return table


def row_faults(row: Requirement, entry: Known | None) -> list[str]:
    """What is wrong with a row of the table, given its entry in the list of all ids."""
    found = evidence_faults(row.id, row.evidence, ("no test",))
    if entry is None or entry.applies == "no":
        found.append(f"{row.id}: is not to be in the table")
    elif row.state == "not applicable" and entry.applies != "if-feature":
        found.append(f"{row.id}: applies to every service")
    if not row.text or not row.status:
        found.append(f"{row.id}: a cell is empty")
    elif row.state not in STATES:
        found.append(f"{row.id}: {row.state} is no status")
    elif row.state != "met" and not re.search(r": \S.{5,}", row.status):
        found.append(f"{row.id}: a status without a reason")
    return found


def requirement_faults(text: str, ids: str) -> list[str]:
    """What is wrong with docs/security/asvs.md, given the list of all ids."""
    rows, all_ids, without = requirements(text), known(ids), left_out(text)
    found = unknown_tests(text)
    for row in rows:
        found += row_faults(row, all_ids.get(row.id))
    times = Counter([*(row.id for row in rows), *without])
    found += [f"{name}: {count} times" for name, count in times.items() if count > 1]
    found += [f"{name}: is nowhere" for name in all_ids if not times[name]]
    found += [f"{name}: applies" for name in without if name not in all_ids or all_ids[name].applies != "no"]
    written, counted = table_rows(text, "level", *STATES, "all"), figures(rows, all_ids)
    return found if written == counted else [*found, f"the figures are {counted}"]


def past_fault_faults(text: str) -> list[str]:
    """What is wrong with docs/security/past-faults.md."""
    found, rows = unknown_tests(text), table_rows(text, *FAULTS)
    for row in rows:
        name, flaw, evidence = (row + [""] * 3)[:3]
        if not name or not flaw:
            found.append(f"{name}: a cell is empty")
        found += evidence_faults(name, evidence, ("not applicable", "planned"))
    times = Counter(name for row in rows for name in re.findall(r"[A-Z]+-[\w-]*\d[\w-]*", row[0]))
    return found + [f"{name}: {count} times" for name, count in times.items() if count > 1]
