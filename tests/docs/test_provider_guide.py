"""docs/guides/provider-clients.md against the commands that it describes."""

import re

import click
import pytest

from tests.support.commands import commands_of
from tests.support.documents import code_in, read

GUIDE = read("docs/guides/provider-clients.md")


@pytest.mark.parametrize("group", ["clients", "resources"])
def test_guide_names_every_command_of_clients_and_resources(group: str) -> None:
    named = set(re.findall(rf"\b{group} ([a-z-]+)", " ".join([*code_in(GUIDE), GUIDE])))
    assert set(commands_of(group)) <= named


def test_guide_names_every_option_of_clients() -> None:
    """A switch that has two forms is named in the one that is not the default."""
    for name, command in commands_of("clients").items():
        for option in command.params:
            if isinstance(option, click.Option):
                forms = {*option.opts, *option.secondary_opts}
                assert any(re.search(rf"{form}(?![\w-])", GUIDE) for form in forms), (name, forms)
