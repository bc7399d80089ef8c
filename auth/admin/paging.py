"""The options of commands that list accounts."""

from collections.abc import Callable
from typing import Any

import click

from auth.roles.actors import MAX_ID


def paged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that lists accounts the options `--after` and `--limit`."""
    after = click.option(
        "--after",
        default=0,
        type=click.IntRange(0, MAX_ID),
        help="Only ids greater than this one: the last id of the previous page.",
    )
    limit = click.option(
        "--limit", default=100, type=click.IntRange(1, 10_000), help="The maximum number of accounts."
    )
    decorated: Callable[..., Any] = after(limit(function))
    return decorated
