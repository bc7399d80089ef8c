"""`flask auth ...`: who is logged in, and the commands that close accounts and care for their addresses."""

from typing import Any

import click

from auth.admin import addresses, closing, logged_in, outputs
from auth.admin.inputs import Reason
from auth.admin.paging import paged
from auth.commands import command
from auth.inputs import Address
from auth.mailing.messages import moment_text
from auth.roles.actors import operator
from auth.roles.cli import warning_of_no_administrator
from models import iso
from utils.services import services


@command("who")
@paged
def who(after: int, limit: int) -> tuple[Any, str]:
    """List the accounts that are logged in, ordered by id: how many sessions each has, and the last use.

    The last use is a login or a refresh.
    """
    found = logged_in.page(services(), operator(), after=after, limit=limit)
    lines = [
        f"{each.id:>8}  {each.username}  <{each.email}>  {each.sessions} "
        f"session{'' if each.sessions == 1 else 's'}, last used {moment_text(each.last_used_at)}"
        for each in found.accounts
    ]
    if found.more:
        lines += [f"There are more: --after {found.accounts[-1].id}"]
    return outputs.logged_in(found.accounts, more=found.more), "\n".join(lines) or "No account is logged in."


@command("close")
@click.argument("login")
@click.option("--now", "at_once", is_flag=True, help="Erase the account at once, for good, without a mail.")
def close(*, login: str, at_once: bool) -> tuple[Any, str]:
    """Close an account. It is erased after 14 days, unless `restore` or its owner cancels that.

    Ends its sessions, revokes its API tokens, and mails the owner a link that keeps the account.
    """
    with warning_of_no_administrator():
        if at_once:
            closing.erase(services(), login, operator())
            return {"erased": True}, "Erased."
        closed = closing.close(services(), login, operator())
    words = "Closed." if closed.changed else "The account was already closed."
    data = {"changed": closed.changed, "erase_at": iso(closed.due)}
    return data, f"{words} It will be erased at {moment_text(closed.due)}."


@command("restore")
@click.argument("login")
def restore(login: str) -> tuple[Any, str]:
    """Cancel the deletion of a closed account, and mail its owner. Ended sessions stay ended."""
    changed = closing.restore(services(), login, operator())
    return {"changed": changed}, "Restored." if changed else "The account was not closed."


@command("change-email")
@click.argument("login")
@click.argument("email")
def change_email(login: str, email: str) -> tuple[Any, str]:
    """Mail a link to a new address. The address changes when it is used, with the password of the account.

    The old address is then mailed a link that undoes the change.
    """
    addresses.change(services(), login, Address.read({"email": email}).email, operator())
    return {"written": True}, "The link is in the outbox. The address changes when it is used."


@command("confirm-email")
@click.argument("login")
@click.option("--reason", required=True, help="Why no mailed link is used: for the audit log and the owner.")
def confirm_email(login: str, reason: str) -> tuple[Any, str]:
    """Confirm the address of an account without a mailed link.

    Ends the sessions of the account and removes its devices, second factors and API tokens, as another person
    may have registered the address. Mails the address.
    """
    why = Reason.read({"reason": reason}).reason
    removed = addresses.confirm(services(), login, why, operator())
    if removed is None:
        return {"changed": False}, "The address was already confirmed."
    found = [
        f"{number} {name if number == 1 else f'{name}s'}"
        for name, number in zip(("session", "device", "second factor", "API token"), removed, strict=True)
        if number
    ]
    data = {"changed": True, "removed": removed._asdict()}
    return (
        data,
        f"Confirmed. Removed: {', '.join(found) or 'no session, device, second factor or API token'}.",
    )
