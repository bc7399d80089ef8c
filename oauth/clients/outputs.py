"""Clients as the commands print them."""

from typing import Any

from auth.admin.finding import Finding
from auth.commands import paragraph
from auth.mailing.messages import moment_text_of
from oauth.clients.definition import Definition
from oauth.clients.explanation import Line, text_of
from oauth.clients.registration import ShownClient
from utils.services import Services

HINT = " " * 8
COMMAND = "flask --app app"


def shown(client: ShownClient) -> dict[str, Any]:
    """Return the data of a client for `--json`. Times are ISO 8601 in UTC."""
    row = client.row
    return {
        "id": row.client.id,
        **parts(client.definition),
        "created_at": row.client.created_at.isoformat(),
        "created_by": row.created_by,
        "last_used_at": row.last_used_at.isoformat() if row.last_used_at else None,
        "disabled_at": row.client.disabled_at.isoformat() if row.client.disabled_at else None,
        "secrets": [
            {
                "created_at": each.created_at.isoformat(),
                "expires_at": each.expires_at.isoformat() if each.expires_at else None,
                "last_used_at": each.last_used_at.isoformat() if each.last_used_at else None,
            }
            for each in client.secrets
        ],
    }


def parts(definition: Definition) -> dict[str, Any]:
    """Return the parts of a client, lists as lists."""
    found = {name: getattr(definition, name) for name in Definition.__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def lines(data: dict[str, Any]) -> str:
    """Return data as lines of a name and a value; empty parts are left out."""
    found = []
    for name, value in data.items():
        if name == "secrets" or value in (None, [], False):
            continue
        text = " ".join(value) if isinstance(value, list) else "yes" if value is True else value
        if name.endswith("_at"):
            text = moment_text_of(value)
        found.append(f"{name}: {text}")
    for each in data.get("secrets", []):
        ends = f", ends {moment_text_of(each['expires_at'])}" if each["expires_at"] else ""
        made, used = moment_text_of(each["created_at"]), moment_text_of(each["last_used_at"])
        found.append(f"secret of {made}, last used {used}{ends}")
    return "\n".join(found)


def endpoints(services: Services) -> dict[str, str]:
    """Return the addresses that applications ask for."""
    issuer = services.settings.public_url
    return {
        "issuer": issuer,
        "discovery": f"{issuer}/.well-known/openid-configuration",
    }


def finding(found: Finding, width: int | None) -> str:
    """Return a finding as text: its sentence, and below it the remedy if it has one."""
    return _with_advice(found.text, found.advice, width, "  - ", "    ")


def refused(line: Line, width: int | None) -> str:
    """Return refused calls of one minute as text: what was refused and why, and below it the remedy."""
    return _with_advice(text_of(line), line.advice, width, "  ", "    ")


def _with_advice(text: str, advice: str, width: int | None, first: str, rest: str) -> str:
    prose, command, more = advice.partition(COMMAND) if width else (advice, "", "")
    lines = [paragraph(text, first, rest, width)]
    lines += [paragraph(prose, HINT, HINT, width)] if prose else []
    lines += [f"{HINT}  {command}{more}"] if command else []  # not broken: it is copied into a shell
    return "\n".join(lines)


def refusal(line: Line) -> dict[str, Any]:
    """Return refused calls of one minute for `--json`."""
    names = ("step", "reason", "sentence", "detail", "advice", "count", "by_anybody", "request_id")
    return {"at": line.at.isoformat(), **{name: getattr(line, name) for name in names}}
