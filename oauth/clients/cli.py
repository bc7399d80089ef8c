"""`flask auth clients ...`, `explain-client` and `demo-client`."""

from datetime import timedelta
from typing import Any

import click

from auth.blueprint import auth_commands
from auth.commands import command, terminal_width
from auth.mailing.messages import moment_text_of
from auth.roles.actors import operator
from oauth.clients import demo, drafts, explanation, options, outputs, presets, registration, snippet_texts
from oauth.clients.definition import KINDS
from utils.services import services

NO_CLIENTS = "No clients."


@auth_commands.group("clients")
def group() -> None:
    """Applications that log people in with this service."""


@command("add", group=group)
@click.argument("name")
@click.option("--id", "client_id", help="The client id; by default made from the name.")
@click.option("--spa", "kind", flag_value="spa", help="A page in the browser: a public client, no secret.")
@click.option("--native", "kind", flag_value="native", help="A program on the person's machine: no secret.")
@click.option("--preset", help="What is known of this application, such as grafana.")
@options.shared
def add(
    name: str, client_id: str | None, kind: str | None, preset: str | None, **given: Any
) -> tuple[Any, str]:
    """Register the application NAME. Prints its id, its secret (this once) and its configuration."""
    values: dict[str, Any] = {"kind": kind or KINDS[0], "preset": preset, **options.values(given)}
    values["scopes"] = options.merged(drafts.default_scopes(preset), given["scope"], given["no_scope"])
    shown = presets.find(preset).title if preset and name.lower() == preset else name
    wanted = drafts.draft(shown, values, given["id_token_alg"] or services().settings.id_token_alg)
    made = registration.add(services(), operator(), wanted, client_id or (preset if shown != name else None))
    issuer = services().settings.public_url
    snippet = snippet_texts.usual(made.definition)
    text = snippet_texts.text(issuer, made.client_id, made.definition, snippet, made.secret)
    data: dict[str, Any] = {"id": made.client_id, "secret": made.secret, **outputs.endpoints(services())}
    data |= {"client": outputs.parts(made.definition), "snippet": text}
    lines = [f"client id      {made.client_id}"]
    lines += [f"client secret  {made.secret}  (shown this once)" if made.secret else "client secret  none"]
    lines += [f"issuer         {issuer}", "", text]
    return data, "\n".join(lines)


@command("list", group=group)
def list_clients() -> tuple[Any, str]:
    """List all clients: id, name, kind, state and last use."""
    found = [outputs.shown(each) for each in registration.every(services())]
    lines = [
        f"{each['id']:24}  {each['kind']:8}  {'disabled' if each['disabled_at'] else 'enabled':8}  "
        f"last used {moment_text_of(each['last_used_at'])}  {each['name']}"
        for each in found
    ]
    return {"clients": found}, "\n".join(lines) or NO_CLIENTS


@command("show", group=group)
@click.argument("name")
def show(name: str) -> tuple[Any, str]:
    """Show the client NAME, by id or name: all of it but its secrets."""
    data = outputs.shown(registration.find(services(), name))
    return data, outputs.lines(data)


@command("set", group=group)
@click.argument("name")
@click.option("--name", "new_name", help="The name that people are shown.")
@click.option("--no-redirect", multiple=True, metavar="URI", help="Remove a redirect address.")
@click.option("--no-post-logout", multiple=True, metavar="URI", help="Remove an address after logout.")
@click.option("--no-resource", multiple=True, metavar="URL", help="Take a resource away.")
@click.option("--no-backchannel", is_flag=True, help="Do not tell it of logouts any more.")
@click.option("--no-policy-url", is_flag=True, help="Show no link to a privacy policy.")
@click.option("--no-terms-url", is_flag=True, help="Show no link to terms.")
@click.option("--no-require", is_flag=True, help="Let every account use it.")
@options.shared
def change(name: str, **given: Any) -> tuple[Any, str]:
    """Change the client NAME. Addresses, scopes and resources are added to those that it has."""
    present = registration.find(services(), name).definition
    values = options.changes(present, given)
    after, changed = registration.change(services(), operator(), name, **values)
    text = f"Changed: {', '.join(changed)}." if changed else "Nothing is different."
    return {"changed": changed, "client": outputs.parts(after)}, text


@command("disable", group=group)
@click.argument("name")
def disable(name: str) -> tuple[Any, str]:
    """Disable the client NAME: its access ends, and its logins and calls are refused."""
    changed = registration.disable(services(), operator(), name)
    return {"changed": changed}, "Disabled." if changed else "The client was already disabled."


@command("enable", group=group)
@click.argument("name")
def enable(name: str) -> tuple[Any, str]:
    """Enable the client NAME. Access that its disabling ended stays ended; consents are kept."""
    changed = registration.enable(services(), operator(), name)
    return {"changed": changed}, "Enabled." if changed else "The client was not disabled."


@command("remove", group=group)
@click.argument("name")
def remove(name: str) -> tuple[Any, str]:
    """Remove the client NAME with its secrets and consents, and end its access to all accounts."""
    ended = registration.remove(services(), operator(), name)
    return {"removed": name, "ended": ended}, f"Removed. {ended} accesses ended."


@command("rotate-secret", group=group)
@click.argument("name")
@click.option("--keep", default="0h", help="How long the present secret stays valid, such as 24h.")
def rotate_secret(name: str, keep: str) -> tuple[Any, str]:
    """Give the client NAME a new secret and print it, this once."""
    kept: timedelta = options.duration(keep)
    secret = registration.rotate_secret(services(), operator(), name, kept)
    said = f"The present one stays valid for {keep}." if kept else "The old one is refused from now on."
    return {"secret": secret, "kept_seconds": int(kept.total_seconds())}, f"{secret}\n{said}"


@command("snippet", group=group)
@click.argument("name")
@click.option("--for", "framework", help="One of: " + ", ".join(snippet_texts.names()) + ".")
def snippet(name: str, framework: str | None) -> tuple[Any, str]:
    """Print the configuration of an application for the client NAME, without its secret."""
    found = registration.find(services(), name)
    chosen = framework or snippet_texts.usual(found.definition)
    text = snippet_texts.text(services().settings.public_url, found.row.client.id, found.definition, chosen)
    return {"for": chosen, "snippet": text}, text


@command("explain-client")
@click.argument("name")
def explain(name: str) -> tuple[Any, str]:
    """Explain why the last logins with the client NAME failed, with what differs."""
    found = explanation.explain(services(), name)
    data = {
        "client": found.client.id,
        "findings": [each._asdict() for each in found.findings],
        "refusals": [outputs.refusal(each) for each in found.lines],
    }
    width = terminal_width()
    lines = [f"{found.client.name} ({found.client.id})"]
    lines += [outputs.finding(each, width) for each in found.findings]
    lines += ["Refused or left out in the last week, the newest first:"] if found.lines else []
    lines += [outputs.refused(each, width) for each in found.lines]
    return data, "\n".join(lines if found.lines else [*lines, explanation.NOTHING_REFUSED])


@command("demo-client")
@click.option("--port", default=8001, type=click.IntRange(0, 65535), help="The port of the page; 0: any.")
@click.option("--register-only", is_flag=True, help="Register the client, and serve nothing.")
def demo_client(port: int, register_only: bool) -> tuple[Any, str]:
    """Register the client demo and serve a page that logs in with this service. For development only."""
    demo.register(services(), operator())
    if register_only:
        return {"id": demo.CLIENT_ID}, "Registered."
    issuer = services().settings.public_url

    def announce(address: str) -> None:
        click.echo(f"Open {address}. It logs in with the service at {issuer}, which must run.", err=True)

    return {"served": demo.serve(issuer, port, announce)}, "Stopped."
