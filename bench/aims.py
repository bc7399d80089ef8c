"""Targets of measurements, printed with their results."""

from typing import NamedTuple


class Aim(NamedTuple):
    """A lower or upper limit of a result."""

    limit: float
    at_least: bool = True
    unit: str = ""

    def compared(self, figure: float) -> str:
        """Return the result, the target, and whether it is met."""
        kept = figure >= self.limit if self.at_least else figure <= self.limit
        way = "at least" if self.at_least else "at most"
        return (
            f"{figure:8.2f}{self.unit}   aim: {way} {self.limit:g}{self.unit}, {'met' if kept else 'MISSED'}"
        )


def at_least(limit: float, unit: str = "") -> Aim:
    return Aim(limit, True, unit)


def at_most(limit: float, unit: str = "") -> Aim:
    return Aim(limit, False, unit)


def print_line(name: str, figure: float, aim: Aim | None = None, unit: str = "") -> None:
    """Print a line of a report, with the target if there is one."""
    print(f"  {name:44}{aim.compared(figure) if aim else f'{figure:8.2f}{unit}'}", flush=True)
