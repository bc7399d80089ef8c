"""`flask auth grant` and the other commands for roles."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from auth.commands import command
from auth.roles import definitions, grants, outputs
from auth.roles.actors import find, operator
from utils.services import services

NO_ADMINISTRATOR = (
    "Warning: no administrator can log in now. `auth grant LOGIN admin` makes another account one."
)


@contextmanager
def warning_of_no_administrator() -> Iterator[None]:
    """Warn on standard error if the block leaves no account with the role `admin` that can log in."""
    had_one = definitions.has_administrator(services())
    yield
    if had_one and not definitions.has_administrator(services()):
        click.echo(NO_ADMINISTRATOR, err=True)


@command("grant")
@click.argument("login")
@click.argument("role")
def grant(login: str, role: str) -> tuple[Any, str]:
    """Give ROLE to an account. Its permissions count with the next call of the account."""
    account = find(services(), login)
    changed = grants.grant(services(), operator(), account, role)
    done = (
        f"Granted the role {role} to {account.username}." if changed else "The account already has this role."
    )
    return {"changed": changed}, done


@command("revoke")
@click.argument("login")
@click.argument("role")
def revoke(login: str, role: str) -> tuple[Any, str]:
    """Take ROLE from an account. It loses the permissions with its next call."""
    account = find(services(), login)
    with warning_of_no_administrator():
        changed = grants.revoke(services(), operator(), account, role)
    done = f"Revoked the role {role} from {account.username}."
    return {"changed": changed}, done if changed else "The account does not have this role."


@command("roles")
def list_roles() -> tuple[Any, str]:
    """List the roles, their permissions, and how many accounts have each."""
    found = definitions.every(services(), operator())
    lines = [f"{role.name:20}  {role.accounts:>8}  {' '.join(sorted(role.permissions))}" for role in found]
    head = f"{'ROLE':20}  ACCOUNTS  PERMISSIONS"
    return {"roles": [outputs.role(each) for each in found]}, "\n".join([head, *lines])


@command("define-role")
@click.argument("name")
@click.option("--allow", multiple=True, metavar="PERMISSION", help="Put this permission in, as reports:read.")
@click.option("--deny", multiple=True, metavar="PERMISSION", help="Take this permission out.")
@click.option("--description", help="What the role is for.")
def define_role(
    name: str, allow: tuple[str, ...], deny: tuple[str, ...], description: str | None
) -> tuple[Any, str]:
    """Create the role NAME, or change its permissions."""
    role = definitions.define(services(), operator(), name, allow=allow, deny=deny, description=description)
    held = ", ".join(sorted(role.permissions)) or "no permission"
    return {"role": outputs.role(role)}, f"The role {role.name} has {held}."


@command("delete-role")
@click.argument("name")
def delete_role(name: str) -> tuple[Any, str]:
    """Delete the role NAME, which no account may have."""
    definitions.delete(services(), operator(), name)
    return {"deleted": name}, f"Deleted the role {name}."
