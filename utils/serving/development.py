"""What development gets without being configured: secrets of its own."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def kept_secrets(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Random secrets that are made on first use and kept in `folder`, readable by their owner only."""
    return {name: _kept(folder / name.lower()) for name in names}


def _kept(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # whole or not at all, and only the first of several processes wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
