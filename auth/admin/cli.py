"""`flask auth ...`: what an operator does to accounts, at the machine itself.

Every command speaks to a person, or with `--json` to a program. Exit codes: 0 done,
1 refused (the reason is on standard error), 2 called wrongly.
"""

import functools
import json
import os
import pwd
import secrets
import signal
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from auth.accounts import registration
from auth.accounts.inputs import Registration
from auth.admin import doctor, explanation, operators, outputs, pruning
from auth.admin.operator import MAX_ID, Operator
from auth.blueprint import auth_bp
from auth.factors import outputs as factor_outputs
from auth.mailing import delivery
from auth.outputs import user
from auth.sessions import outputs as session_outputs
from utils.client_info import ClientInfo
from utils.errors import ApiError
from utils.services import services


def command(name: str) -> Callable[[Callable[..., tuple[Any, ...]]], click.Command]:
    """A command whose function returns what `--json` prints, what a person reads, and any exit code but 0."""

    def decorate(function: Callable[..., tuple[Any, ...]]) -> click.Command:
        @functools.wraps(function)
        def run(*, as_json: bool, **arguments: Any) -> None:
            try:
                data, words, *code = function(**arguments)
            except ApiError as refusal:
                raise click.ClickException(in_words(refusal)) from None
            except UnicodeEncodeError:  # bytes of an argument or of a terminal that are no text
                raise click.ClickException("What was given is not UTF-8.") from None
            except SQLAlchemyError as problem:
                said = (
                    f"The database refused ({type(problem).__name__}). Is it there, and its schema up to date"
                )
                raise click.ClickException(f"{said} (flask --app app db upgrade)?") from None
            click.echo(json.dumps(data, indent=2) if as_json else words)
            click.get_current_context().exit(*code)

        option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
        made: click.Command = auth_bp.cli.command(name)(option(run))
        return made

    return decorate


@command("create-user")
@click.option("--username", help="The name to sign in with; asked for if it is left out.")
@click.option("--email", help="The address of the account; asked for if it is left out.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, for scripts.")
def create_user(username: str | None, email: str | None, password_stdin: bool) -> tuple[Any, str]:
    """Create an account. The password is never an argument: no shell or process list may keep it."""
    # On standard error, so that standard output holds the answer and nothing else.
    username = click.prompt("Username", err=True) if username is None else username
    email = click.prompt("Email", err=True) if email is None else email
    if password_stdin:
        password = sys.stdin.readline().removesuffix("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    form = Registration.read({"username": username, "email": email, "password": password})
    account = registration.create_by_operator(
        services(),
        username=form.username or "",
        email=form.email,
        password=form.password.get_secret_value(),
        operator=operator().name,
        client=operator().client,
    )
    return user(account), f"Created user {account.username} with id {account.id}."


@command("list-users")
@click.option("--search", default="", help="Only those whose name or address holds this.")
@click.option(
    "--after",
    default=0,
    type=click.IntRange(0, MAX_ID),
    help="Only ids above this one: the last id of the page before.",
)
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="At most so many.")
def list_users(search: str, after: int, limit: int) -> tuple[Any, str]:
    """List accounts, by rising id."""
    found = operators.page(services(), operator(), after=after, limit=limit, search=search)
    lines = [f"{a.id:>8}  {a.username}  <{a.email}>{'  disabled' if a.disabled_at else ''}" for a in found]
    return {"users": [outputs.account(a) for a in found]}, "\n".join(lines) or "No users."


@command("show")
@click.argument("login")
def show(login: str) -> tuple[Any, str]:
    """Show the account of a name, address or id: its state, living sessions and last events."""
    seen = operators.overview(services(), login, operator())
    data = outputs.overview(seen.account, seen.sessions, seen.events)
    lines = [f"{name}: {value}" for name, value in data["user"].items()]
    lines += [f"living sessions: {len(data['sessions'])}"]
    lines += [
        f"  {s['id']}  last used {s['last_used_at']}  {s['ip_address']}  {s['browser']} on {s['system']}"
        for s in data["sessions"]
    ]
    lines += ["last events:"]
    lines += [
        "  " + "  ".join(filter(None, (e["at"], e["event"], e["reason"], e["ip_address"], e["operator"])))
        for e in data["events"]
    ]
    return data, "\n".join(lines)


@command("explain")
@click.argument("login")
def explain(login: str) -> tuple[Any, str]:
    """Say why somebody can or cannot log in to an account, and what happened last."""
    told = explanation.explain(services(), login, operator())
    verdict = "can" if told.can_log_in else "cannot"
    lines = [f"{told.account.username} <{told.account.email}> {verdict} log in."]
    lines += [f"  - {finding}" for finding in told.findings]
    lines += ["What happened last, as the owner reads it:", *(f"  {event}" for event in told.events)]
    data = {"user": outputs.account(told.account), "can_log_in": told.can_log_in}
    return data | {"findings": told.findings, "events": told.events}, "\n".join(lines)


@command("doctor")
def examine() -> tuple[Any, str, int]:
    """Check this deployment, and say what to do. The exit code is 1 if something is wrong."""
    found = doctor.examine(services())
    lines = [f"{f.state:>8}  {f.check}: {f.text}{f' {f.advice}' if f.advice else ''}" for f in found]
    problems = sum(finding.state == "problem" for finding in found)
    lines += [f"{problems} problem{'' if problems == 1 else 's'}." if problems else "All is well."]
    data = {"well": not problems, "findings": [finding._asdict() for finding in found]}
    return data, "\n".join(lines), min(problems, 1)


@command("disable")
@click.argument("login")
def disable(login: str) -> tuple[Any, str]:
    """Disable an account and end all its sessions, at once."""
    changed = operators.disable(services(), login, operator())
    return {"changed": changed}, "Disabled." if changed else "It was disabled already."


@command("enable")
@click.argument("login")
def enable(login: str) -> tuple[Any, str]:
    """Enable a disabled account. Its old sessions stay ended."""
    changed = operators.enable(services(), login, operator())
    return {"changed": changed}, "Enabled." if changed else "It was not disabled."


@command("end-sessions")
@click.argument("login", required=False)
@click.option("--everybody", is_flag=True, help="Of all accounts: everybody has to sign in again.")
def end_sessions(login: str | None, everybody: bool) -> tuple[Any, str]:
    """End all sessions and void all tokens of an account, or of everybody."""
    if (login is None) != everybody:
        raise click.UsageError("Name an account, or say --everybody.")
    ended = operators.end_sessions(services(), login, operator())
    return session_outputs.ended(ended), f"Ended {ended} session{'' if ended == 1 else 's'}."


@command("token")
@click.argument("login")
def token(login: str) -> tuple[Any, str]:
    """Print an access token for a script. It has no session: it cannot be logged out, only outlived."""
    text = operators.issue_token(services(), login, operator())
    return {"access_token": text}, text


@command("send-reset")
@click.argument("login")
def send_reset(login: str) -> tuple[Any, str]:
    """Mail a link for a new password to an account's address. A serving process delivers it."""
    operators.send_reset(services(), login, operator())
    return {"written": True}, "The mail is written, and goes while the service runs."


@command("lock-out")
@click.argument("login")
def lock_out(login: str) -> tuple[Any, str]:
    """End everything of an account that somebody else is in, and mail its owner a link for a new password.

    As "this wasn't me" does: sessions, devices and passkeys are gone, and the password is blocked until the
    reset. Authenticator codes go a day later, unless somebody logs in with them and the new password.
    """
    operators.lock_out(services(), login, operator())
    return {"locked_out": True}, "Locked out. The link for a new password goes while the service runs."


@command("reset-factors")
@click.argument("login")
@click.option("--stop", is_flag=True, help="Let them stay after all.")
def reset_factors(login: str, stop: bool) -> tuple[Any, str]:
    """Remove the second factors of an account in 24 hours, for somebody who has lost them all.

    The owner is told by mail, and can stop it on any device that is logged in.
    """
    if stop:
        operators.stop_factors_reset(services(), login, operator())
        return factor_outputs.reset(None), "The second factors stay."
    data = factor_outputs.reset(operators.reset_factors(services(), login, operator()))
    return data, f"The second factors will be removed at {data['factors_reset_at']}."


@command("deliver-mail")
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, for a machine that only delivers.")
def deliver_mail(watch: bool) -> tuple[Any, ...]:
    """Deliver the mails that are due; 1 if one could not go. The serving processes do so by themselves."""
    if watch:
        stops = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, stops)
        services().delivery.start()
        services().delivery.wake()
        signal.sigwait(stops)
        services().delivery.stop()
        return {"stopped": True}, "Stopped."
    tried = Counter[str]()
    while outcome := delivery.try_next(services()):
        tried[outcome] += 1
    words = [f"{tried[name]} {name.replace('_', ' ')}" for name in ("sent", "failed", "given_up", "outdated")]
    return dict(tried), ", ".join(words), int(bool(tried["failed"] + tried["given_up"]))


@command("reseal")
def reseal() -> tuple[Any, ...]:
    """Seal the secrets of authenticator apps under the present FLASK_SECRET_KEY; 1 if one cannot be read."""
    found = operators.rotate_encrypted_secrets(services(), operator())
    words = f"{found.done} sealed anew, {found.lost} cannot be read with any of the keys."
    return {"resealed": found.done, "unreadable": found.lost}, words, int(bool(found.lost))


@command("prune")
def prune() -> tuple[Any, str]:
    """Delete what has outlived its use. Run it daily; it works in small steps beside the service."""
    deleted = pruning.prune(services(), operator())
    return {"deleted": deleted}, ", ".join(f"{name}: {count} deleted" for name, count in deleted.items())


def operator() -> Operator:
    """Who is at the machine, as the system knows and no environment variable claims."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name[:80]
    except KeyError:  # a container's user without a name
        name = f"uid-{os.getuid()}"
    client = ClientInfo(address=None, user_agent="command line", request_id=secrets.token_hex(8))
    return Operator(name, client)


def in_words(refusal: ApiError) -> str:
    """A refusal as one line for a terminal."""
    faults = [f"{name}: {fault}" for name, fault in refusal.fields.items()]
    return "; ".join([refusal.message, *faults])
