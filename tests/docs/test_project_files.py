"""Which files the project's own rules read."""

import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tests.support.project import BESIDE, MODULES, PRODUCT, ROOT, files_of, is_ignored, project_files

OURS = ("README.md", "app.py", "auth/errors.py", ".ci/run")
READERS = ("reports/__init__.py", "reports/README.md", "reports.py", "NOTES.md", ".env")
IGNORED = ("auth/__pycache__/errors.pyc", "auth/node_modules/x.md", "instance/a.md", "auth/env/lib/x.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files of the project and of a reader, ignored ones and a virtual environment."""
    for name in (*OURS, *READERS, *IGNORED, "auth/env/pyvenv.cfg", "env/pyvenv.cfg", "env/lib/x.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".gitignore").write_text("__pycache__/\nnode_modules/\ninstance/\n*.pyc\n.env\n/*.jsonl\n")
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in files_of(folder)}


def test_files_of_a_reader_are_not_read_without_git(folder: Path) -> None:
    assert names(folder) == {*OURS, ".gitignore"}


def test_files_of_a_reader_are_not_read_where_git_tracks_them(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", *OURS, *READERS[:4]], cwd=folder, check=True)
    assert names(folder) == set(OURS)


def test_archive_inside_another_repository_is_read_without_git(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=folder.parent, check=True)
    assert names(folder) == {*OURS, ".gitignore"}


def test_deleted_file_is_not_read(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", *OURS], cwd=folder, check=True)
    (folder / "auth/errors.py").unlink()
    assert names(folder) == {*OURS} - {"auth/errors.py"}


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a/__pycache__", "__pycache__/", True),
        ("a/b.pyc", "*.pyc", True),
        ("build", "/build/", True),
        ("docs/build", "/build/", False),
        ("accounts.jsonl", "/*.jsonl", True),
        ("a/b.py", "*.pyc", False),
    ],
)
def test_ignore_pattern(path: str, pattern: str, expected: bool) -> None:
    assert is_ignored(PurePosixPath(path), [pattern]) == expected


def test_this_project_is_read() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in project_files()}
    assert found >= {"app.py", "README.md", "docs/index.md", "sdk/js/index.js", "auth/login/password.py"}


def test_modules_beside_the_packages_are_those_that_the_service_imports() -> None:
    imported = {
        Path(file) for module in [*sys.modules.values()] if (file := getattr(module, "__file__", None))
    }
    assert {path.name for path in imported if path.parent == ROOT} == set(MODULES)


def test_lint_reads_the_code_of_this_project_only() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    named = re.search(r"^OURS := (.*)$", makefile, re.MULTILINE)
    assert named
    assert sorted(named[1].split()) == sorted([*MODULES, *PRODUCT, *BESIDE, "sdk"])
    assert len(re.findall(r"ruff .*\$\(OURS\)$", makefile, re.MULTILINE)) == 4
    assert len(re.findall(r"mypy \$\(filter-out migrations,\$\(OURS\)\)", makefile)) == 1
    assert not re.search(r"(?:ruff|mypy).* \.$", makefile, re.MULTILINE)
