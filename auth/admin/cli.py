"""`flask auth ...`: the commands for accounts, mail and the deployment."""

import signal
import sys
from collections import Counter
from typing import Any

import click

from auth.account_state import AccountState, states_of
from auth.accounts import registration
from auth.accounts.inputs import Registration
from auth.admin import account_expiry, doctor, explanation, operators, outputs, pruning
from auth.admin.finding import WELL, verdict
from auth.admin.paging import paged
from auth.api_tokens import cli as api_tokens_cli
from auth.commands import command, table
from auth.factors import outputs as factor_outputs
from auth.mailing import delivery
from auth.mailing.messages import moment_text_of
from auth.outputs import user
from auth.roles.actors import operator
from auth.roles.cli import warning_of_no_administrator
from auth.sessions import outputs as session_outputs
from config_values import origin
from utils.services import services


@command("create-user")
@click.option("--username", help="The user name; prompted for if omitted.")
@click.option("--email", help="The email address; prompted for if omitted.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, for scripts.")
def create_user(username: str | None, email: str | None, password_stdin: bool) -> tuple[Any, str]:
    """Create an account. The password is not an argument, to keep it out of shell histories."""
    # Prompts go to standard error, so that standard output has only the result.
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
@click.option("--search", default="", help="Only accounts whose name or address contains this.")
@click.option(
    "--state", type=click.Choice([each.value for each in AccountState]), help="Only accounts in this state."
)
@paged
def list_users(search: str, state: str | None, after: int, limit: int) -> tuple[Any, str]:
    """List accounts, ordered by id.

    State `open`: neither disabled, nor closed (to be erased), nor blocked (its password, until a reset).
    """
    wanted = AccountState(state) if state else None
    found = operators.page(services(), operator(), after=after, limit=limit, search=search, state=wanted)
    head = ("ID", "USERNAME", "ADDRESS", "STATE")
    lines = [(str(a.id), a.username, f"<{a.email}>", ", ".join(states_of(a))) for a in found]
    return {"users": [outputs.account(a) for a in found]}, table(head, lines) if lines else "No users."


@command("show")
@click.argument("login")
def show(login: str) -> tuple[Any, str]:
    """Show an account by name, address or id: state, roles, sessions, API tokens, apps and last events."""
    seen = operators.overview(services(), login, operator())
    data = outputs.overview(seen.account, seen.roles, seen.sessions, seen.api_tokens, seen.apps, seen.events)
    lines = [f"{name}: {_text_of(name, value)}" for name, value in data["user"].items()]
    lines += [f"roles: {', '.join(data['roles']) or 'none'}"]
    lines += [f"active sessions: {len(data['sessions'])}"]
    lines += [
        f"  {s['id']}  last used {moment_text_of(s['last_used_at'])}  {s['ip_address']}  "
        f"{s['browser']} on {s['system']}"
        for s in data["sessions"]
    ]
    lines += [f"API tokens: {len(data['api_tokens'])}", *map(api_tokens_cli.line, data["api_tokens"])]
    lines += [f"apps: {len(data['apps'])}", *map(_app_line, data["apps"])]
    lines += ["last events:"]
    for each in data["events"]:
        at = moment_text_of(each["at"])
        shown = (at, each["event"], each["reason"], each["detail"], each["ip_address"], _by(each))
        lines.append("  " + "  ".join(filter(None, shown)))
    return data, "\n".join(lines)


def _text_of(name: str, value: object) -> object:
    is_time = isinstance(value, str) and name.endswith(("_at", "_since"))
    return moment_text_of(str(value)) if is_time else value


def _app_line(app: dict[str, Any]) -> str:
    ways = "works without a session" if app["works_without_you"] else "ends with its session"
    used = moment_text_of(app["last_used_at"])
    return f"  {app['client_id']}  {app['name']}  {' '.join(app['scopes'])}  {ways}  last used {used}"


def _by(event: outputs.OperatorEventFields) -> str | None:
    return event["operator"] or (f"by account {event['actor_id']}" if event["actor_id"] else None)


@command("explain")
@click.argument("login")
def explain(login: str) -> tuple[Any, str]:
    """Explain why the owner of an account can or cannot log in, and show its last events."""
    found = explanation.explain(services(), login, operator())
    verdict = "can" if found.can_log_in else "cannot"
    lines = [f"{found.account.username} <{found.account.email}> {verdict} log in."]
    lines += [f"  - {finding}" for finding in found.findings]
    lines += ["Last events, as the owner sees them:", *(f"  {event}" for event in found.events)]
    data = {"user": outputs.account(found.account), "can_log_in": found.can_log_in}
    return data | {"findings": found.findings, "events": found.events}, "\n".join(lines)


def probed_origin(url: str) -> str:
    try:
        return origin(url)
    except ValueError as problem:
        raise click.UsageError(f"The URL of --probe {problem}.") from None


@command("doctor")
@click.option("--probe", metavar="URL", help="Also send forged client addresses to the service at this URL.")
@click.option("--client", metavar="NAME", help="Check this client of the OpenID Connect provider only.")
def examine(probe: str | None, client: str | None) -> tuple[Any, str, int]:
    """Check this deployment and advise on problems.

    Exit code 0: all is well; 1: there is a problem; 3: there are warnings only.
    """
    if probe and client:
        raise click.UsageError("Give --probe or --client, not both.")
    if client is not None:
        found = list(services().examine_client(services(), client))
    else:
        found = doctor.examine(services(), probed_origin(probe) if probe else None)
    lines = [f"{f.state:>8}  {f.check}: {f.text}{f' {f.advice}' if f.advice else ''}" for f in found]
    result = verdict(found)
    data = {"well": result.exit_code == WELL, **result._asdict()}
    data |= {"findings": [finding._asdict() for finding in found]}
    return data, "\n".join([*lines, result.text]), result.exit_code


@command("disable")
@click.argument("login")
def disable(login: str) -> tuple[Any, str]:
    """Disable an account and end all its sessions."""
    with warning_of_no_administrator():
        changed = operators.disable(services(), login, operator())
    return {"changed": changed}, "Disabled." if changed else "The account was already disabled."


@command("enable")
@click.argument("login")
def enable(login: str) -> tuple[Any, str]:
    """Enable a disabled account. Its ended sessions stay ended."""
    changed = operators.enable(services(), login, operator())
    return {"changed": changed}, "Enabled." if changed else "The account was not disabled."


@command("end-sessions")
@click.argument("login", required=False)
@click.option("--everybody", is_flag=True, help="For all accounts: all users have to log in again.")
def end_sessions(login: str | None, everybody: bool) -> tuple[Any, str]:
    """End all sessions and revoke all tokens of an account, or of all accounts."""
    if (login is None) != everybody:
        raise click.UsageError("Give an account or --everybody.")
    if login is None:
        ended = operators.end_all_sessions(services(), operator())
    else:
        ended = operators.end_sessions(services(), login, operator())
    return session_outputs.ended(ended), f"Ended {ended} session{'' if ended == 1 else 's'}."


@command("token")
@click.argument("login")
def token(login: str) -> tuple[Any, str]:
    """Print an access token for a script. It cannot be revoked individually; it expires."""
    text = operators.issue_token(services(), login, operator())
    return {"access_token": text}, text


@command("send-reset")
@click.argument("login")
def send_reset(login: str) -> tuple[Any, str]:
    """Mail a password reset link to the account's address. A serving process delivers it."""
    operators.send_reset(services(), login, operator())
    return {"written": True}, "The mail is in the outbox. A serving process delivers it."


@command("lock-out")
@click.argument("login")
def lock_out(login: str) -> tuple[Any, str]:
    """Lock an intruder out of an account, and mail the owner a password reset link.

    Same as "this wasn't me": ends the sessions, removes devices and passkeys, and blocks the password until
    the reset. Authenticator codes and recovery codes are removed a day after the new password is set, unless
    the owner logs in with them and the new password before.
    """
    with warning_of_no_administrator():
        operators.lock_out(services(), login, operator())
    return {
        "locked_out": True
    }, "Locked out. The password reset link is in the outbox; a serving process delivers it."


@command("reset-factors")
@click.argument("login")
@click.option("--stop", is_flag=True, help="Cancel the removal.")
def reset_factors(login: str, stop: bool) -> tuple[Any, str]:
    """Remove the second factors of an account after 24 hours, for an owner who has lost them all.

    The owner is notified by mail and can cancel the removal on any device that is logged in.
    """
    if stop:
        operators.stop_factors_reset(services(), login, operator())
        return factor_outputs.reset(None), "The removal was cancelled. The second factors stay."
    data = factor_outputs.reset(operators.reset_factors(services(), login, operator()))
    return data, f"The second factors will be removed at {moment_text_of(data['factors_reset_at'])}."


@command("unblock-totp")
@click.argument("login")
def unblock_totp(login: str) -> tuple[Any, str]:
    """Accept authenticator codes again, after a hundred wrong ones in a row."""
    changed = operators.unblock_totp(services(), login, operator())
    return {"changed": changed}, "Codes are accepted." if changed else "There were no wrong codes."


@command("deliver-mail")
@click.option(
    "--watch", is_flag=True, help="Deliver until interrupted, for a machine that only delivers mail."
)
def deliver_mail(watch: bool) -> tuple[Any, ...]:
    """Deliver due mails; exit code 1 if one failed. Serving processes deliver mails on their own."""
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
    text = [f"{tried[name]} {name.replace('_', ' ')}" for name in ("sent", "failed", "given_up", "outdated")]
    return dict(tried), ", ".join(text), int(bool(tried["failed"] + tried["given_up"]))


@command("reseal")
def reseal() -> tuple[Any, ...]:
    """Re-encrypt stored secrets under the current FLASK_SECRET_KEY; exit code 1 if one cannot be decrypted.

    They are TOTP secrets, signing keys, and the keys of projects whose password hashes were imported.
    """
    found = operators.rotate_encrypted_secrets(services(), operator())
    text = f"{found.done} re-encrypted, {found.lost} cannot be decrypted with any of the keys."
    return {"resealed": found.done, "unreadable": found.lost}, text, int(bool(found.lost))


@command("prune")
@click.option("--dry-run", is_flag=True, help="List the accounts that would be erased, and delete nothing.")
@click.option(
    "--limit", default=1000, type=click.IntRange(1, 10_000), help="The maximum number of accounts to list."
)
def prune(*, dry_run: bool, limit: int) -> tuple[Any, str]:
    """Delete expired rows and erase accounts that are due, in small batches. The service does so, too."""
    if dry_run:
        due, number = account_expiry.due_now(services(), operator(), limit)
        data = outputs.due(due, number)
        lines = [
            f"{each['id']:>8}  {moment_text_of(each['created_at'])}  {each['username']}  <{each['email']}>  "
            f"{each['reason']}"
            for each in data["due"]
        ]
        return data, "\n".join([*lines, f"{number} account{'' if number == 1 else 's'} would be erased."])
    deleted = pruning.prune(services(), operator())
    return {"deleted": deleted}, ", ".join(f"{name}: {count} deleted" for name, count in deleted.items())
