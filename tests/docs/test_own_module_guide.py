"""The guide of own modules, followed to the letter in a copy of the project."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import section
from tests.support.project import copy_project

GUIDE = section("own module")
PIECES = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
COMMANDS = "".join(re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE))


def test_own_code_of_the_guide_has_fifteen_lines_at_most() -> None:
    assert [name for name, _ in PIECES] == ["reports/__init__.py", "reports/test_reports.py"]
    assert sum(bool(line.strip()) for _, text in PIECES for line in text.splitlines()) <= 15


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project, with the files of the guide and this environment."""
    folder = copy_project(tmp_path / "copy")
    for name, text in PIECES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return folder


@pytest.mark.slow
def test_guide_works_as_written(copy: Path) -> None:
    done = run(COMMANDS, copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.nightly  # each of its commands starts an environment
def test_test_of_the_guide_runs_within_its_folder_and_depends_on_the_guard(copy: Path) -> None:
    (copy / ".env").write_text("APP_MODULES=reports\n")
    within = run("cd reports && ../.venv/bin/python -m pytest -q", copy)
    assert "1 passed" in within.stdout, within.stdout + within.stderr
    # The view decides: without its guard the test of the guide fails.
    view = copy / "reports" / "__init__.py"
    view.write_text(view.read_text().replace('@requires("reports:read")', '@requires("reports:write")'))
    assert "1 failed" in run(COMMANDS, copy).stdout


@pytest.mark.nightly  # each of its commands starts an environment
def test_own_settings_of_pytest_need_the_folder_of_the_project_only_outside_a_package(copy: Path) -> None:
    tests = copy / "reports" / "tests"
    tests.mkdir()
    (tests / "test_more.py").write_text((copy / "reports" / "test_reports.py").read_text())
    (copy / ".env").write_text("APP_MODULES=reports\n")
    for folder in (copy / "reports", tests):
        (folder / "pytest.ini").touch()
    package = "cd reports && ../.venv/bin/python -m pytest -q test_reports.py"
    away = "cd reports/tests && ../../.venv/bin/python -m pytest -q"
    refused = run(away, copy)
    assert "No module named 'auth_testing'" in refused.stdout + refused.stderr
    for command in (
        package,
        ".venv/bin/python -m pytest -q reports/tests",
        f"export PYTHONPATH={copy}; {away}",
    ):
        assert "1 passed" in run(command, copy).stdout, command


@pytest.mark.nightly  # it runs the tests of all rules in the copy
def test_rules_of_the_project_hold_beside_a_module_of_a_reader(copy: Path) -> None:
    (copy / "reports" / "README.md").write_text("[nowhere](nowhere.md), `make nonsense`\n")
    (copy / "reports" / "views.py").write_text("import hashlib, requests\n" + "\n" * 400)
    rules = "tests/docs/test_documentation.py tests/docs/test_inventories.py tests/unit/test_architecture.py"
    done = run(f"echo APP_MODULES=reports > .env; .venv/bin/python -m pytest -q {rules}", copy)
    assert done.returncode == 0, done.stdout + done.stderr
