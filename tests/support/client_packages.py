"""An environment of its own for the packages of others that log in with this service."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parent.parent / "clients"


def python_with(requirements: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python with the packages of a file of `tests/clients`, made once for all workers of a run."""
    pinned = REQUIREMENTS / requirements
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    # The digest: a folder of a former run, which pytest has not removed yet, has other pins.
    folder = shared / f"{pinned.stem}-{hashlib.sha256(pinned.read_bytes()).hexdigest()[:12]}"
    with (shared / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(pinned, folder)
            (folder / "complete").touch()
    return folder / "bin" / "python"


def _install(pinned: Path, folder: Path) -> None:
    # As in the Makefile: uv is ten times faster, and does not read pip's settings.
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    uv = Path(sys.executable).parent / "uv"
    words = ["--quiet", "--require-hashes", "-r", str(pinned)]
    if (
        uv.exists()
        and subprocess.run([uv, "pip", "install", "-p", python, *words], check=False).returncode == 0
    ):
        return
    subprocess.run([python, "-m", "pip", "install", "--disable-pip-version-check", *words], check=True)
