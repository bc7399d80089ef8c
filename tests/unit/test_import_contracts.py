"""The contracts of `.importlinter`: each reports an import that breaks it."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.architecture import ROOT

# Contract, file, and the import that breaks it.
SABOTAGES = [
    ("utils and tables are at the bottom", "tables/base.py", "from utils import clock"),
    ("Only app.py wires", "auth/events.py", "import app"),
    ("The provider imports neither ops nor pages", "oauth/tokens.py", "import pages"),
    (
        "The provider never touches the keys",
        "oauth/tokens.py",
        "def late():\n    from utils.crypto import access_tokens",
    ),
    ("Only auth and oauth know the tables", "utils/web/http.py", "def late():\n    from models import User"),
    (
        "A package of auth imports those below it",
        "auth/sessions/rotation.py",
        "from auth.login import password",
    ),
    (
        "Only auth/__init__.py and oauth/__init__.py import routes",
        "auth/login/password.py",
        "from auth.login import routes",
    ),
    ("Routes import no stores", "auth/accounts/routes.py", "from auth.stores import users"),
    (
        "Stores, events, errors and tokens know no Flask",
        "auth/stores/audit.py",
        "def late():\n    import flask",
    ),
    ("No import cycles", "utils/errors.py", "if True:\n    from utils import auth_helpers"),
]


def test_every_import_contract_detects_a_violation(tmp_path: Path) -> None:
    for name in ("auth", "auth_testing", "oauth", "ops", "pages", "tables", "utils"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = ("config.py", "config_brand.py", "config_checks.py", "config_returns.py", "config_values.py")
    for name in ("app.py", *settings, "models.py", ".importlinter"):
        shutil.copy(ROOT / name, tmp_path / name)
    for _, path, line in SABOTAGES:
        file = tmp_path / path
        file.write_text(f"{file.read_text()}\n{line}\n")
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if line.endswith(" BROKEN")]
    missed = [name for name, _, _ in SABOTAGES if not any(line.startswith(name) for line in broken)]
    assert missed == [], done.stdout


def test_every_import_contract_has_a_violation_test() -> None:
    names = [
        line.removeprefix("name = ")
        for line in (ROOT / ".importlinter").read_text().splitlines()
        if line.startswith("name = ")
    ]
    assert [name for name in names if not any(name.startswith(one) for one, _, _ in SABOTAGES)] == []
