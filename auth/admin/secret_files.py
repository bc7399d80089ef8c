"""Whether other users of this machine can read the files that hold secrets."""

import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from auth.admin.finding import Finding
from config import Settings

CHECK = "secret files"


def examine(environ: Mapping[str, str], database: str | None, dotenv: Path) -> Iterator[Finding]:
    """Check the files that settings such as `MAIL_URL_FILE` name, `.env` if it has secrets, and SQLite."""
    secret = [entry.name.upper() for entry in fields(Settings) if entry.metadata["secret"]]
    of_settings = {
        f"{name}_FILE": [Path(environ[f"{name}_FILE"])] for name in secret if environ.get(f"{name}_FILE")
    }
    more = {
        "The file .env": [dotenv] if _names(dotenv) & {*secret} else [],
        "The SQLite database": [Path(f"{database}{end}") for end in ("", "-wal", "-shm")] if database else [],
    }
    found = []
    for name, paths in (of_settings | more).items():
        if exposed := [path for path in paths if _is_exposed(path)]:
            text = f"{name} can be read by every user of this machine."
            found.append(Finding(CHECK, "warning", text, _advice(exposed)))
    yield from found or [
        Finding(CHECK, "ok", "Of *_FILE settings, .env and SQLite, no file can be read by every user.")
    ]


def _names(dotenv: Path) -> set[str]:
    """Return the settings of a `.env`; none if it cannot be read."""
    from dotenv import dotenv_values  # noqa: PLC0415  (a process that serves does not need it here)

    try:
        return {name for name, value in dotenv_values(dotenv).items() if value}
    except (OSError, UnicodeDecodeError):
        return set()


def _advice(exposed: list[Path]) -> str:
    """Return the command that mends the mode, and who can run it."""
    command = f"chmod 600 {shlex.join(map(str, exposed))}"
    is_own = os.geteuid() in {0, *(path.stat().st_uid for path in exposed)}
    return f"Run: {command}" if is_own else f"Its owner is another user, who can run: {command}"


def _is_exposed(path: Path) -> bool:
    """Whether all users can read a file.

    A secret that is mounted into a container has the mode of the host, whose folder protects it.
    """
    try:
        held = path.stat()
        folders = [each.stat().st_mode for each in path.resolve().parents]
        is_mounted = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:  # there is no such file, or it is out of reach
        return False
    if not stat.S_ISREG(held.st_mode) or is_mounted:
        return False
    return bool(held.st_mode & stat.S_IROTH) and all(mode & stat.S_IXOTH for mode in folders)
