"""The test suite in an environment of requirements.txt alone."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support.architecture import ROOT

KINDS = "test_contract or test_identities"  # a module over HTTP, and one of pure rules


def run(*command: str | Path, within: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=within, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.slow
def test_suite_is_collected_and_runs_with_requirements_txt_alone(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")  # installs in a tenth of pip's time
    run(uv, "venv", "--python", sys.executable, tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run(uv, "pip", "install", "--python", python, "--require-hashes", "-r", "requirements.txt")
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", KINDS)


@pytest.mark.nightly
def test_clean_clone_passes_pytest_after_a_plain_pip_install(tmp_path: Path) -> None:
    clone, python = tmp_path / "clone", tmp_path / "env" / "bin" / "python"
    run("git", "clone", "--quiet", ROOT, clone)
    venv.create(tmp_path / "env", with_pip=True)
    run(python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt", within=clone)
    run(python, "-m", "pytest", "-q", within=clone)
