"""Generated secrets for development."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def development_secrets(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return random secrets, created on first use and stored in `folder` with mode 0600."""
    return {name: _load_or_create(folder / name.lower()) for name in names}


def _load_or_create(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # atomic; of several processes the first wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
