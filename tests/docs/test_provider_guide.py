"""docs/guides/provider-clients.md against the commands that it describes."""

import re
from collections.abc import Iterator

import click
import pytest
from flask import Flask

from app import create_app
from tests.support.documents import code_in, read

GUIDE = read("docs/guides/provider-clients.md")


@pytest.fixture
def app() -> Flask:
    return create_app("testing")


def commands(app: Flask, group: str) -> Iterator[tuple[str, click.Command]]:
    """Yield each command of a group of `flask auth`, with its name."""
    auth = app.cli.commands["auth"]
    assert isinstance(auth, click.Group)
    found = auth.commands[group]
    assert isinstance(found, click.Group)
    yield from found.commands.items()


@pytest.mark.parametrize("group", ["clients", "resources"])
def test_guide_names_every_command_of_clients_and_resources(app: Flask, group: str) -> None:
    named = set(re.findall(rf"\b{group} ([a-z-]+)", " ".join([*code_in(GUIDE), GUIDE])))
    assert {name for name, _ in commands(app, group)} <= named


def test_guide_names_every_option_of_clients(app: Flask) -> None:
    """A switch that has two forms is named in the one that is not the default."""
    for name, command in commands(app, "clients"):
        for option in command.params:
            if isinstance(option, click.Option):
                forms = {*option.opts, *option.secondary_opts}
                assert any(re.search(rf"{form}(?![\w-])", GUIDE) for form in forms), (name, forms)
