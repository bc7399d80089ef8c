"""Files of accounts to import, and the command that imports them."""

import json
from collections.abc import Iterable
from typing import Any

import bcrypt
from click.testing import Result
from flask import Flask

from tests.support.service import PASSWORD

HASH = bcrypt.hashpw(PASSWORD.encode(), b"$2b$04$" + b"." * 22).decode()  # the same in every process
FIREBASE = """
hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
"""
# The published example of Firebase's scrypt, for these parameters.
FIREBASE_HASH = (
    "$firescrypt$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdR"
    "uid5lQ=="
)
FIREBASE_PASSWORD = "user1password"


def account(name: str = "ada", **more: Any) -> dict[str, Any]:
    """Return the fields of a line; None leaves one out."""
    fields = {"email": f"{name}@example.com", "username": name, "password_hash": HASH} | more
    return {key: value for key, value in fields.items() if value is not None}


def text_of(lines: Iterable[dict[str, Any] | str]) -> str:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)


def run_import(app: Flask, lines: Iterable[dict[str, Any] | str], *options: str) -> Result:
    """Import these lines by the command, from standard input."""
    words = ["auth", "import", "-", *options]
    return app.test_cli_runner().invoke(args=words, input=text_of(lines))


def imported(app: Flask, *lines: dict[str, Any] | str, options: Iterable[str] = ()) -> dict[str, Any]:
    """Import these lines; return the summary."""
    result = run_import(app, lines, "--json", *options)
    assert result.exit_code in {0, 1}, result.output
    summary: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == min(summary["refused"], 1)
    return summary


def reported(app: Flask, folder: Any, *lines: dict[str, Any] | str, options: Iterable[str] = ()) -> list[Any]:
    """Import these lines; return the lines of the report."""
    path = folder / "report.jsonl"
    result = run_import(app, lines, "--report", str(path), *options)
    assert result.exit_code in {0, 1}, result.output
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
