"""The result of a check of `doctor`, and the verdict over all of them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]
WELL, PROBLEM, WARNINGS_ONLY = 0, 1, 3  # exit codes; 2 is a usage error


class Finding(NamedTuple):
    """The result of a check and, unless it is ok, the remedy."""

    check: str
    state: State
    text: str
    advice: str = ""


class Verdict(NamedTuple):
    """How many findings are problems and warnings."""

    problems: int
    warnings: int

    @property
    def exit_code(self) -> int:
        """0 if all is well, 1 for a problem, 3 for warnings only."""
        if self.problems:
            return PROBLEM
        return WARNINGS_ONLY if self.warnings else WELL

    @property
    def text(self) -> str:
        """The last line of `doctor`."""
        counted = [_counted(self.problems, "problem"), _counted(self.warnings, "warning")]
        return f"{', '.join(filter(None, counted))}." if any(counted) else "All is well."


def verdict(findings: Sequence[Finding]) -> Verdict:
    """Return the verdict over these findings."""
    states = [finding.state for finding in findings]
    return Verdict(states.count("problem"), states.count("warning"))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""
