"""Rules of the service, each with a change that breaks it and the test that detects it."""

from typing import NamedTuple


class Sabotage(NamedTuple):
    """A rule in a few words; `old` occurs once in `file`; `test` is `module.py::test`."""

    name: str
    file: str
    old: str
    new: str
    test: str
