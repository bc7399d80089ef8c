"""`flask auth audit`: the audit log, a line for each event."""

import json
import signal
from threading import Event
from types import FrameType

import click

from auth.admin import audit_log, outputs
from auth.blueprint import auth_commands
from auth.commands import reporting_errors
from auth.roles.actors import operator
from models import AuditEvent
from utils.services import services

POLL_SECONDS = 1.0


@auth_commands.command("audit")
@click.option("--since", default=0, type=click.IntRange(0), help="Only events with a higher id.")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="The maximum number of events.")
@click.option("--follow", is_flag=True, help="Print all, and go on with new events until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object in each line.")
def audit(*, since: int, limit: int, follow: bool, as_json: bool) -> None:
    """Print the events of all accounts, the oldest first, a line each, with times as in the logs.

    The last id that was printed, in --since, goes on where this ended.
    """
    with reporting_errors(as_json=as_json):
        if not follow:
            for row in audit_log.page(services(), operator(), after=since, limit=limit):
                _print(row, as_json=as_json)
            return
        ended = Event()

        def end(_signal: int, _frame: FrameType | None) -> None:
            ended.set()

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)

        def goes_on() -> bool:
            return not ended.wait(POLL_SECONDS)

        for row in audit_log.follow(services(), operator(), after=since, goes_on=goes_on):
            _print(row, as_json=as_json)


def _print(row: AuditEvent, *, as_json: bool) -> None:
    fields = outputs.event(row)
    if as_json:
        click.echo(json.dumps(fields))
        return
    who = f"account {row.user_id}" if row.user_id is not None else None
    by = row.operator or (f"by account {row.actor_id}" if row.actor_id is not None else None)
    parts = (str(row.id), fields["at"], row.event, row.reason, row.detail, who, row.ip_address, by)
    click.echo("  ".join(filter(None, parts)))
