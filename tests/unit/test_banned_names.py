"""The names that `pyproject.toml` bans: ruff reports each of them."""

import json
import subprocess
import sys
import tomllib

import pytest

from tests.support.architecture import ROOT

USES = {
    "datetime.date.today": "from datetime import date\ndate.today()",
    "datetime.datetime.now": "from datetime import datetime\ndatetime.now()",
    "datetime.datetime.today": "from datetime import datetime\ndatetime.today()",
    "datetime.datetime.utcnow": "import datetime\nnew = datetime.datetime.utcnow",
    "sqlalchemy.func.now": "from sqlalchemy import func\nfunc.now()",
    "time.time": "from time import time\ntime()",
    "time.time_ns": "import time\ntime.time_ns()",
    "flask.abort": "from flask import abort\nabort(404)",
    "flask.jsonify": "import flask\nflask.jsonify(error='no')",
    "flask.make_response": "from flask import make_response\nmake_response('')",
    "werkzeug.exceptions.abort": "from werkzeug.exceptions import abort\nabort(404)",
}


def reported(path: str) -> set[str]:
    """Return the banned names that ruff reports if a file of this path uses all of them."""
    options = ["--select=TID251", "--output-format=json", f"--stdin-filename={path}", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options],
        cwd=ROOT,
        input="\n".join(USES.values()),
        capture_output=True,
        text=True,
        check=False,
    )
    return {fault["message"].split("`")[1] for fault in json.loads(done.stdout)}


@pytest.mark.parametrize(
    "path",
    ["auth/login/password.py", "models.py", "ops/routes.py", "pages/routes.py", "utils/errors.py"],
)
def test_every_banned_name_is_reported(path: str) -> None:
    assert reported(path) == set(USES)


def test_a_module_of_ones_own_may_abort() -> None:
    """docs/guides/backend.md shows it."""
    assert reported("reports.py") == set()


def test_every_banned_name_has_a_violation_test() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]) == set(USES)
