"""Alembic environment: uses a given connection, or the engine of the app."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic import context
from alembic.runtime.migration import MigrationInfo
from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from models import UtcDateTime, db
from utils.database.deadlines import maintenance

INSUFFICIENT_PRIVILEGE = "42501"  # PostgreSQL's SQLSTATE


def _render_item(kind: str, item: object, _context: object) -> str | bool:
    """Render custom column types as database types, so that migrations do not import models."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def _print_step(*, step: MigrationInfo, **_: object) -> None:
    """Print the applied revisions on the command line; a server logs them."""
    if click.get_current_context(silent=True):
        click.echo(f"{'upgraded to' if step.is_upgrade else 'downgraded from'} {step.up_revision_id}")


def run(connection: Connection) -> None:
    """Run each migration in a transaction of its own.

    On PostgreSQL, one that locks two tables in use, or one table twice, can wait for a call of a running app
    that waits for it. On SQLite they run without foreign keys, as batches rebuild tables.
    """
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # Otherwise dropping the old table deletes all rows that reference it.
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        compare_type=True,
        render_as_batch=sqlite,
        transaction_per_migration=True,
        render_item=_render_item,
        on_version_apply=_print_step,
    )
    with context.begin_transaction():
        context.run_migrations()
    if sqlite:
        connection.commit()
        connection.execute(text("PRAGMA foreign_keys=ON"))


@contextmanager
def _readable_errors() -> Iterator[None]:
    """Exit with a message on the two common errors of a setup; other errors keep their traceback."""
    try:
        yield
    except SQLAlchemyError as problem:
        if getattr(getattr(problem, "orig", None), "sqlstate", "") == INSUFFICIENT_PRIVILEGE:
            sys.exit("The role of DATABASE_URI may not change the schema. Migrate as the owner role.")
        if isinstance(problem, OperationalError) and getattr(problem, "statement", None) is None:
            sys.exit(
                "The database of DATABASE_URI cannot be opened. "
                "Check that it is running and accepts this user."
            )
        raise


if context.is_offline_mode():
    context.configure(
        url=current_app.config["SQLALCHEMY_DATABASE_URI"], target_metadata=db.metadata, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()
elif handed := context.config.attributes.get("connection"):
    run(handed)
else:
    with _readable_errors(), maintenance(), db.engine.connect() as own:
        run(own)
        own.commit()
