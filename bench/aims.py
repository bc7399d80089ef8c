"""What a figure should be, printed beside what it is."""

from typing import NamedTuple


class Aim(NamedTuple):
    """A figure should be at least, or at most, this."""

    limit: float
    at_least: bool = True
    unit: str = ""

    def beside(self, figure: float) -> str:
        """The figure, the aim, and whether it is met."""
        kept = figure >= self.limit if self.at_least else figure <= self.limit
        way = "at least" if self.at_least else "at most"
        return (
            f"{figure:8.2f}{self.unit}   aim: {way} {self.limit:g}{self.unit}, {'met' if kept else 'MISSED'}"
        )


def at_least(limit: float, unit: str = "") -> Aim:
    return Aim(limit, True, unit)


def at_most(limit: float, unit: str = "") -> Aim:
    return Aim(limit, False, unit)


def tell(name: str, figure: float, aim: Aim | None = None, unit: str = "") -> None:
    """Print a line of a report."""
    print(f"  {name:44}{aim.beside(figure) if aim else f'{figure:8.2f}{unit}'}", flush=True)
