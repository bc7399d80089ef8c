"""`flask auth resources ...` and `clients apply`."""

import sys
from pathlib import Path
from typing import Any

import click

from auth.blueprint import auth_commands
from auth.commands import command
from auth.roles.actors import operator
from oauth.clients.cli import group as clients_group
from oauth.clients.errors import ClientInvalid
from oauth.resources import applying, registration
from utils.services import services


@auth_commands.group("resources")
def group() -> None:
    """APIs that take the access tokens of clients."""


@command("add", group=group)
@click.argument("url")
@click.option("--name", help="The name that people are shown; by default the host.")
@click.option(
    "--scope", multiple=True, metavar="NAME=WORDS", help="A scope, and its words for the consent page."
)
def add(url: str, name: str | None, scope: tuple[str, ...]) -> tuple[Any, str]:
    """Register the API at URL. Prints id and secret (this once) by which it asks for tokens' state."""
    wanted = registration.description(url, name, pairs(scope))
    made = registration.add(services(), operator(), wanted)
    data = {
        "resource": made.identifier,
        "id": made.client_id,
        "secret": made.secret,
        "scopes": dict(wanted.scopes),
    }
    lines = [f"resource       {made.identifier}", f"client id      {made.client_id}"]
    return data, "\n".join([*lines, f"client secret  {made.secret}  (shown this once)"])


@command("set", group=group)
@click.argument("url")
@click.option("--name", help="The name that people are shown.")
@click.option("--scope", multiple=True, metavar="NAME=WORDS", help="Add a scope, or change its words.")
@click.option("--no-scope", multiple=True, metavar="NAME", help="Remove a scope.")
def change(url: str, name: str | None, scope: tuple[str, ...], no_scope: tuple[str, ...]) -> tuple[Any, str]:
    """Change the name or the scopes of the API at URL. Access with a removed scope ends."""
    present = registration.find(services(), url)
    if not set(no_scope) <= set(present.scopes):
        raise ClientInvalid(fields={"scopes": "cannot be removed: the resource does not have it"})
    scopes = {each: words for each, words in present.scopes.items() if each not in no_scope} | pairs(scope)
    wanted = registration.description(url, name if name is not None else present.name, scopes)
    ended = registration.change(services(), operator(), wanted)
    data = {"resource": wanted.identifier, "name": wanted.name, "scopes": dict(wanted.scopes), "ended": ended}
    return data, f"Changed. {ended} accesses ended."


@command("list", group=group)
def list_resources() -> tuple[Any, str]:
    """List all resources, their clients and scopes."""
    found = registration.every(services())
    data = [{"resource": r.identifier, "id": r.client_id, "name": r.name, "scopes": r.scopes} for r in found]
    lines = [f"{r.identifier}  {r.client_id}  {' '.join(r.scopes)}" for r in found]
    return {"resources": data}, "\n".join(lines) or "No resources."


@command("remove", group=group)
@click.argument("url")
def remove(url: str) -> tuple[Any, str]:
    """Remove the API at URL with its client, and end the access that was given to it."""
    ended = registration.remove(services(), operator(), url)
    return {"removed": url, "ended": ended}, f"Removed. {ended} accesses ended."


@command("apply", group=clients_group)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
def apply(file: str, dry_run: bool) -> tuple[Any, str]:
    """Make the clients and resources as FILE (TOML) says, and print what changed. `-` is standard input."""
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    found = applying.apply(services(), operator(), raw, dry_run=dry_run)
    data = [
        {name: getattr(each, name) for name in ("kind", "id", "outcome", "parts", "client_id", "secret")}
        for each in found
    ]
    return {"dry_run": dry_run, "outcomes": data}, "\n".join(map(line, found)) or "The file is empty."


def line(outcome: applying.Outcome) -> str:
    """Return an outcome as a line of text."""
    parts = f": {', '.join(outcome.parts)}" if outcome.parts else ""
    secret = f"  client secret {outcome.secret}  (shown this once)" if outcome.secret else ""
    by = f"  client id {outcome.client_id}" if outcome.client_id and secret else ""
    return f"{outcome.outcome:9}  {outcome.kind} {outcome.id}{parts}{by}{secret}"


def pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """Return the words by scope. Raises `ClientInvalid`."""
    found = {}
    for text in texts:
        name, equals, words = text.partition("=")
        if not equals:
            raise ClientInvalid("--scope is a name and its words, such as 'orders:read=Read your orders'.")
        found[name.strip()] = words
    return found
