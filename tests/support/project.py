"""The files of this project, which its own rules read.

Modules of a reader stand beside them, tracked by git or not, and so do virtual environments. The rules read
the folders and files that are named here, and of these what git tracks. Without git, as in an unpacked
archive, they leave out what `.gitignore` names, hidden folders and virtual environments.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parent.parent.parent
# What the service consists of; and what tests, measures and deploys it.
PRODUCT = ("auth", "migrations", "oauth", "ops", "pages", "tables", "utils")
BESIDE = ("auth_testing", "bench", "deploy", "tests")
SETTINGS = ("config.py", "config_brand.py", "config_checks.py", "config_returns.py", "config_values.py")
MODULES = ("app.py", *SETTINGS, "models.py")
FOLDERS = (".ci", *PRODUCT, *BESIDE, "docs", "locales", "sdk")
DOCUMENTS = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md")
CONFIGURATION = (
    *(".dockerignore", ".env.example", ".gitignore", ".importlinter", "Dockerfile", "Makefile"),
    *("mkdocs.yml", "pyproject.toml", "requirements.in", "requirements.txt", "requirements-dev.in"),
    *("requirements-dev.txt", "requirements-serve.in", "requirements-serve.txt"),
)
OURS = frozenset((*FOLDERS, *MODULES, *DOCUMENTS, *CONFIGURATION))


@cache
def project_files() -> tuple[Path, ...]:
    """Return every file of this project."""
    return tuple(files_of(ROOT))


def files_of(root: Path) -> list[Path]:
    """Return the files of the project in this folder, sorted."""
    names = _tracked(root)
    if names is None:
        names = [path.as_posix() for path in _walked(root)]
    ours = [root / name for name in sorted(names) if PurePosixPath(name).parts[0] in OURS]
    return [path for path in ours if path.is_file()]


def find_tests(file: str) -> list[Path]:
    """Return the files of tests with this name."""
    return [path for path in project_files() if path.name == file and path.is_relative_to(ROOT / "tests")]


def copy_project(folder: Path) -> Path:
    """Copy the files of this project, with empty pictures, into a folder; return it."""
    for path in project_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            target.touch()
        else:
            shutil.copy(path, target)
    return folder


def _tracked(root: Path) -> list[str] | None:
    """Return the names that git tracks, or None if this is no repository or there is no git."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    listed = subprocess.run([git, "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    return [*filter(None, listed.stdout.split("\0"))] if listed.returncode == 0 else None


def _walked(root: Path) -> Iterator[PurePosixPath]:
    """Yield the files below a folder that its `.gitignore` does not name."""
    rules = root / ".gitignore"
    patterns = rules.read_text("utf-8").split() if rules.exists() else []
    for folder, below, names in os.walk(root):
        here = PurePosixPath(Path(folder).relative_to(root).as_posix())
        below[:] = [
            name
            for name in below
            if not is_ignored(here / name, patterns)
            and not (Path(folder) / name / "pyvenv.cfg").exists()
            and (name[0] != "." or name in OURS)
        ]
        yield from (here / name for name in names if not is_ignored(here / name, patterns))


def is_ignored(path: PurePosixPath, patterns: list[str]) -> bool:
    """Return whether a pattern of `.gitignore` is of this path: `name`, `name/`, `*.ext` or `/at-the-top`."""
    return any(
        fnmatch(path.as_posix(), pattern.strip("/"))
        if pattern.startswith("/")
        else fnmatch(path.name, pattern.rstrip("/"))
        for pattern in patterns
    )
