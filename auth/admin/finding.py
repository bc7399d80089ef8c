"""The result of a check of `doctor`."""

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """The result of a check and, unless it is ok, the remedy."""

    check: str
    state: State
    text: str
    advice: str = ""
