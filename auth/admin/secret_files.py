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


def examine(environ: Mapping[str, str], database: str | None) -> Iterator[Finding]:
    """Check the files that settings such as `MAIL_URL_FILE` name, and an SQLite database."""
    names = [f"{entry.name.upper()}_FILE" for entry in fields(Settings) if entry.metadata["secret"]]
    of_settings = {name: [Path(environ[name])] for name in names if environ.get(name)}
    of_database = [Path(f"{database}{end}") for end in ("", "-wal", "-shm")] if database else []
    found = []
    for name, paths in (of_settings | {"The SQLite database": of_database}).items():
        if exposed := [str(path) for path in paths if _is_exposed(path)]:
            text = f"{name} can be read by every user of this machine."
            found.append(Finding(CHECK, "warning", text, f"Run: chmod 600 {shlex.join(exposed)}"))
    yield from found or [
        Finding(CHECK, "ok", "Of *_FILE settings and SQLite, no own file can be read by every user.")
    ]


def _is_exposed(path: Path) -> bool:
    """Whether all users can read a file, and this one can change its mode.

    A secret that is mounted into a container has the mode of the host, whose folder protects it.
    """
    try:
        held = path.stat()
        folders = [each.stat().st_mode for each in path.resolve().parents]
        is_mounted = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:  # there is no such file, or it is out of reach
        return False
    if not stat.S_ISREG(held.st_mode) or os.geteuid() not in {0, held.st_uid} or is_mounted:
        return False
    return bool(held.st_mode & stat.S_IROTH) and all(mode & stat.S_IXOTH for mode in folders)
