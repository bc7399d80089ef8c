"""The blueprint under `/auth`, and the group of the commands `flask auth ...`.

They stand apart from routes and commands, so that there is no import cycle.
"""

from importlib import import_module

import click
from flask import Blueprint
from flask.cli import AppGroup

auth_bp = Blueprint("auth", __name__, url_prefix="/auth")


class Commands(AppGroup):
    """A group whose modules are imported at its first use, so that servers do without them."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._modules: list[str] = []

    def add_modules(self, *names: str) -> None:
        """Add the modules that register commands when they are imported."""
        self._modules += names

    def load(self) -> None:
        """Import the modules that are not imported yet."""
        while self._modules:
            import_module(self._modules.pop(0))

    def list_commands(self, ctx: click.Context) -> list[str]:
        self.load()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self.load()
        return super().get_command(ctx, cmd_name)


auth_commands = Commands("auth")
