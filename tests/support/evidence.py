"""The rules of docs/security as functions over its texts: each returns what is wrong, or nothing."""

import ast
import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from tests.support.architecture import ROOT
from tests.support.documents import code_in, table_rows

TABLE = ("id", "level", "what is asked", "how it is met", "shown by")
STATES = ("met", "not yet", "not met", "not here")
FAULTS = ("fault", "what went wrong", "shown by")
NODE = re.compile(r"(test_\w+\.py)::(test_\w+)")


class Requirement(NamedTuple):
    """A row of the table."""

    id: str
    level: str
    asked: str
    met: str
    shown: str

    @property
    def state(self) -> str:
        """How it stands, by the words that begin the fourth column."""
        return next((state for state in STATES[1:] if self.met.lower().startswith(f"{state}:")), "met")


class Known(NamedTuple):
    """A row of the list of all ids."""

    level: str
    applies: str


def requirements(text: str) -> list[Requirement]:
    """Every row of the tables; one with too few or too many cells is filled or cut."""
    return [Requirement(*(row + [""] * 5)[:5]) for row in table_rows(text, *TABLE)]


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
    found = [*(ROOT / "tests").rglob(file)]
    trees = [ast.parse(path.read_text("utf-8")) for path in found]
    return frozenset(n.name for tree in trees for n in tree.body if isinstance(n, ast.FunctionDef))


def tests_that_are_none(text: str) -> list[str]:
    """Everything of the form `test_x.py::test_y` that is no test."""
    return [
        f"{file}::{name}: no such test" for file, name in NODE.findall(text) if name not in functions(file)
    ]


def shown_by_nothing(name: str, shown: str, reasons: tuple[str, ...]) -> list[str]:
    """What is wrong with a cell that names tests and paths, or says why there are none."""
    named = code_in(shown)
    if not named and not re.match(rf"({'|'.join(reasons)}): \w.{{5,}}", shown):
        return [f"{name}: neither a test nor a reason"]
    return [
        f"{name}: {item} is neither a test nor a file"
        for item in named
        if not NODE.fullmatch(item) and not (ROOT / item).is_file()
    ]


def figures(rows: list[Requirement]) -> list[list[str]]:
    """The table of the introduction, as it should be."""
    counted = Counter((row.level, row.state) for row in rows)
    table = []
    for level in ("1", "2", "3", "all"):
        of = [sum(counted[one, state] for one in ("123" if level == "all" else level)) for state in STATES]
        table.append([level, *map(str, of), str(sum(of))])
    return table


def requirement_faults(text: str, ids: str) -> list[str]:
    """What is wrong with docs/security/asvs.md, given the list of all ids."""
    rows, all_ids, without = requirements(text), known(ids), left_out(text)
    found = tests_that_are_none(text)
    for row in rows:
        wanted = all_ids.get(row.id)
        if wanted is None or wanted.level != row.level or wanted.applies == "no":
            found.append(f"{row.id}: is not to be in the table with level {row.level}")
        if row.state == "not here" and wanted and wanted.applies != "if-feature":
            found.append(f"{row.id}: applies to every service")
        if not row.asked or not row.met:
            found.append(f"{row.id}: a cell is empty")
        found += shown_by_nothing(row.id, row.shown, ("no test",))
    times = Counter([*(row.id for row in rows), *without])
    found += [f"{name}: {count} times" for name, count in times.items() if count > 1]
    found += [f"{name}: is nowhere" for name in all_ids if not times[name]]
    found += [f"{name}: applies" for name in without if name not in all_ids or all_ids[name].applies != "no"]
    told = table_rows(text, "level", *STATES, "all")
    return found if told == figures(rows) else [*found, f"the figures are {figures(rows)}"]


def past_fault_faults(text: str) -> list[str]:
    """What is wrong with docs/security/past-faults.md."""
    found, rows = tests_that_are_none(text), table_rows(text, *FAULTS)
    for row in rows:
        name, flaw, shown = (row + [""] * 3)[:3]
        if not name or not flaw:
            found.append(f"{name}: a cell is empty")
        found += shown_by_nothing(name, shown, ("cannot be here", "not yet"))
    times = Counter(name for row in rows for name in re.findall(r"[A-Z]+-[\w-]*\d[\w-]*", row[0]))
    return found + [f"{name}: {count} times" for name, count in times.items() if count > 1]
