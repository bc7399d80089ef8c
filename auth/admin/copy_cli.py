"""`flask auth copy-database`: the move from SQLite to PostgreSQL."""

import sys
from typing import Any

import click

from auth.admin import database_copy
from auth.commands import command
from auth.roles.actors import operator
from utils.database.copying import CopyRefused
from utils.services import services


@command("copy-database")
@click.argument("target")
def copy_to(target: str) -> tuple[Any, str]:
    """Copy all data from SQLite to TARGET, an empty, migrated PostgreSQL. Stop the service first.

    TARGET is postgresql://user@host/name. Give - to read it from standard input, as a password in an argument
    is shown to the other users of the machine.
    """
    uri = sys.stdin.readline().strip() if target == "-" else target
    try:
        copied = database_copy.copy_database(services(), uri, operator())
    except CopyRefused as refusal:
        raise click.ClickException(str(refusal)) from None
    lines = [f"{table.rows:>10}  {table.checksum[:16]}  {table.name}" for table in copied]
    lines += ["Both databases have these rows and checksums. Set DATABASE_URI to the target, then start."]
    return {"tables": [table._asdict() for table in copied]}, "\n".join(lines)
