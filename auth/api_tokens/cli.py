"""`flask auth tokens` and `flask auth revoke-token`."""

from typing import Any
from uuid import UUID

import click

from auth.api_tokens import operators, outputs
from auth.api_tokens.outputs import ApiTokenFields
from auth.commands import command
from auth.mailing.messages import moment_text_of
from auth.roles.actors import operator
from utils.services import services


def line(token: ApiTokenFields) -> str:
    """Return a token as a line of text."""
    may, used = " ".join(token["permissions"]), moment_text_of(token["last_used_at"])
    said = (token["id"], token["name"], token["shown"], may, f"expires {moment_text_of(token['expires_at'])}")
    return "  ".join(["", *said, f"last used {used}"])


@command("tokens")
@click.argument("login")
def list_tokens(login: str) -> tuple[Any, str]:
    """List the API tokens of an account that are not revoked: what they may do, and when they were used."""
    found = outputs.fields(operators.of_account(services(), login, operator()))
    return {"tokens": found}, "\n".join(map(line, found)) or "No API tokens."


@command("revoke-token")
@click.argument("token_id", metavar="ID", type=click.UUID)
def revoke_token(token_id: UUID) -> tuple[Any, str]:
    """Revoke the API token ID, as `tokens` lists it. It is refused from the next call on."""
    name = operators.revoke(services(), token_id, operator())
    return {"revoked": str(token_id), "name": name}, f"The API token {name} is revoked."
