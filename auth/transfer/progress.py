"""The progress of an import on a terminal: bytes of the file, lines a second, and the time that is left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


class Progress:
    """A progress bar, or nothing where there is no terminal."""

    def __init__(self, bar: "ProgressBar[str] | ProgressBar[int] | None" = None) -> None:
        self._bar, self._began, self._lines = bar, time.monotonic(), 0

    def advance(self, size: int, lines: int) -> None:
        """Show that this many more bytes and lines were imported."""
        self._lines += lines
        if self._bar is not None:
            rate = self._lines / max(time.monotonic() - self._began, 0.001)
            self._bar.label = f"{self._lines:,} lines, {rate:,.0f} a second"
            self._bar.update(size)


@contextmanager
def on_terminal(stream: TextIO, size: int | None) -> Iterator[Progress]:
    """Yield the progress of an import of `size` bytes; without a size, the time left is not known."""
    if not stream.isatty():
        yield Progress()
        return
    if size is None:
        with click.progressbar(_unsized(), label="Importing", file=stream, width=24) as unsized:
            yield Progress(unsized)
    else:
        with click.progressbar(length=size, label="Importing", file=stream, width=24) as bar:
            yield Progress(bar)


def _unsized() -> Iterator[str]:
    """Return an iterator that does not tell its length, even by a hint."""
    yield from ()
