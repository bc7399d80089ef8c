"""The decorator of the commands `flask auth ...`.

Commands print text, or JSON with `--json`. Exit codes: 0 success, 1 refused (with the reason on standard
error; with `--json` its code, too), 2 usage error, 3 warnings only (`doctor`).
"""

import functools
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click
from sqlalchemy.exc import SQLAlchemyError

from auth.blueprint import auth_commands
from utils.errors import ApiError, BadRequest, Unavailable

MAX_WIDTH = 100  # columns; longer lines of prose are hard to read


def command(
    name: str, *, err: bool = False, group: click.Group = auth_commands
) -> Callable[[Callable[..., tuple[Any, ...]]], click.Command]:
    """Register a command. Its function returns the data of `--json`, the text, and an optional exit code.

    With `err` they go to standard error, as standard output has something else. `group` is that of a command
    such as `flask auth clients add`.
    """

    def decorate(function: Callable[..., tuple[Any, ...]]) -> click.Command:
        @functools.wraps(function)
        def run(*, as_json: bool, **arguments: Any) -> None:
            with reporting_errors(as_json=as_json):
                data, text, *code = function(**arguments)
            click.echo(json.dumps(data, indent=2) if as_json else text, err=err)
            click.get_current_context().exit(*code)

        option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
        made: click.Command = group.command(name)(option(run))
        return made

    return decorate


class _Refused(click.ClickException):
    """Shown as a JSON object on one line of standard error."""

    def __init__(self, refusal: ApiError) -> None:
        body = {"code": refusal.code, "message": refusal.message}
        super().__init__(json.dumps(body | ({"fields": refusal.fields} if refusal.fields else {})))

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=file is None)


@contextmanager
def reporting_errors(*, as_json: bool = False) -> Iterator[None]:
    """End the command with exit code 1 and a line on standard error, instead of a traceback.

    With `as_json` the line is an object with `code`, `message` and, where it applies, `fields`.
    """
    try:
        yield
    except ApiError as refusal:
        raise (_Refused(refusal) if as_json else click.ClickException(error_line(refusal))) from None
    except UnicodeEncodeError:  # an argument or terminal input is not valid text
        problem: ApiError = BadRequest("The input is not valid UTF-8.")
        raise (_Refused(problem) if as_json else click.ClickException(problem.message)) from None
    except SQLAlchemyError as fault:
        problem = Unavailable()
        problem.message = (
            f"The database reported an error ({type(fault).__name__}). Check that it is running "
            "and that its schema is up to date (flask --app app db upgrade)."
        )
        raise (_Refused(problem) if as_json else click.ClickException(problem.message)) from None


def error_line(refusal: ApiError) -> str:
    """Return an error as one line of text, with the faults of fields that its message does not have."""
    faults = [f"{name}: {fault}" for name, fault in refusal.fields.items() if fault not in refusal.message]
    return "; ".join([refusal.message, *faults])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines with aligned columns, below a line of headings."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows))
    return "\n".join(lines)


def terminal_width() -> int | None:
    """Return the columns for prose: at most 100; None if the output is not a terminal, as in a pipe."""
    return min(shutil.get_terminal_size().columns, MAX_WIDTH) if sys.stdout.isatty() else None


def paragraph(text: str, first: str, rest: str, width: int | None) -> str:
    """Return prose wrapped to this width, after `first` on its first line and `rest` on the others.

    Commands, addresses and other long words are not broken, so that they can be copied.
    """
    if width is None:
        return first + text
    filling = textwrap.TextWrapper(width, first, rest, break_long_words=False, break_on_hyphens=False)
    return filling.fill(text)
