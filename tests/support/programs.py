"""Programs of the machine that tests run, and packages of npm."""

import shutil
import subprocess
from pathlib import Path

NPM_CI = ("ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")


def executable(name: str) -> str:
    """Return the path of a program, which must be installed."""
    found = shutil.which(name)
    assert found, f"needs {name}"
    return found


def installed(folder: Path, source: Path) -> Path:
    """Install the packages of a lock file into a folder, beside the programs that use them."""
    for each in source.iterdir():
        if each.suffix in {".json", ".mjs", ".html"}:
            shutil.copy(each, folder)
    npm_ci(folder)
    return folder


def npm_ci(folder: Path) -> None:
    """Install the packages of the lock file of a folder."""
    command = [executable("npm"), *NPM_CI]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
