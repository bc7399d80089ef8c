"""`auth_guard` as a package: pip installs it from a folder and from a repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.architecture import ROOT

pytestmark = pytest.mark.slow

USES = """
import auth_guard, sys
from importlib.metadata import version
assert auth_guard.__file__.startswith(sys.prefix), auth_guard.__file__
guard = auth_guard.Guard("http://127.0.0.1:1")
try:
    guard.check("Bearer a.b.c", "reports:read")
except auth_guard.Unavailable as refusal:
    print(refusal.status, version("auth-guard"))
"""


def run(*command: str | Path, cwd: Path) -> str:
    kept = {
        name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "HOME", "PATH", "SSL_"))
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_pip_installs_it_from_a_folder_and_from_a_repository(tmp_path: Path) -> None:
    """pip fetches the build backend, which needs the registry."""
    repository = tmp_path / "repository"
    copied = repository / "sdk" / "python"
    shutil.copytree(ROOT / "sdk" / "python", copied, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(path.relative_to(copied) for path in copied.rglob("*"))
    run(sys.executable, "-m", "venv", "fresh", cwd=tmp_path)
    python = tmp_path / "fresh" / "bin" / "python"
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall")
    run(*install, "./sdk/python", cwd=repository)
    assert run(python, "-c", USES, cwd=tmp_path) == "503 0.1.0\n"
    installed = {path.name for path in (tmp_path / "fresh").rglob("auth_guard/*")}
    assert {"__init__.py", "py.typed"} <= installed
    assert sorted(path.relative_to(copied) for path in copied.rglob("*")) == before  # nothing is left behind

    for command in (["init", "--quiet"], ["add", "."]):
        run("git", *command, cwd=repository)
    named = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
    run("git", *named, "commit", "--quiet", "--no-verify", "--message=Add the guard", cwd=repository)
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "auth-guard", cwd=tmp_path)
    run(*install, f"git+file://{repository}#subdirectory=sdk/python", cwd=tmp_path)
    assert run(python, "-c", USES, cwd=tmp_path) == "503 0.1.0\n"
    listed = run(python, "-m", "pip", "list", "--format=freeze", cwd=tmp_path)
    assert {line.partition("=")[0] for line in listed.split()} <= {
        "auth-guard",
        "pip",
        "setuptools",
    }  # no more
