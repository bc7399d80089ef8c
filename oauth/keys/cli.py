"""`flask auth keys` and `rotate-keys`: the keys that sign tokens for clients."""

from collections.abc import Sequence
from typing import Any

import click

from auth.admin.account_expiry import Caller
from auth.commands import command
from auth.roles.actors import operator
from oauth.keys import outputs, rotation
from oauth.keys.listing import listed
from utils.services import services

LEAK_BOUNDS = (
    "Every process follows within 5 seconds. Apps that keep the published keys accept the leaked one up to "
    "an hour; resources that poll the feed refuse it from their next poll on."
)
NONE_YET = "There are no keys yet: the first token makes them."


@command("keys")
def keys() -> tuple[Any, str]:
    """List the keys that sign tokens for clients, with their state."""
    found = listed(services())
    lines = [outputs.line(key) for key in found]
    return [outputs.signing_key(key) for key in found], "\n".join(lines) or NONE_YET


@command("rotate-keys")
@click.option("--leaked", metavar="KID", help="Take this key out of use at once: another person has it.")
def rotate_keys(leaked: str | None) -> tuple[Any, str]:
    """Publish new signing keys now, which sign in a day. The service does so on its own when it is time."""
    acting = operator()
    caller = Caller(acting.client, acting.name)
    if leaked is None:
        return _told(rotation.rotate_now(services(), caller))
    planned = rotation.drop_leaked(services(), caller, leaked)
    if planned is None:
        raise click.BadParameter("There is no such key, or it is out of use already.", param_hint="--leaked")
    data, text = _told(planned)
    return data, f"{text}\n{LEAK_BOUNDS}"


def _told(planned: Sequence[rotation.Planned]) -> tuple[Any, str]:
    lines = [outputs.planned_line(each) for each in planned]
    return [outputs.planned(each) for each in planned], "\n".join(lines)
