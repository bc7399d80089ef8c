"""The tour of the guide to API tokens is executed as written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_tour import END_OF_BLOCK, LACKING, ROOT, blocks, like, values
from tests.support.documents import section
from tests.support.server import environment, serving
from tests.support.service import PASSWORD


@pytest.mark.nightly  # it starts five commands
@pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")
def test_tour_of_api_tokens_runs_as_written(database_uri: str, tmp_path: Path) -> None:
    tour = section("api tokens")
    commands, shown = (
        blocks(tour, "bash"),
        re.findall(r"^```(json|text)\n(.*?)^```$", tour, re.DOTALL | re.MULTILINE),
    )
    assert len(commands) == len(shown) == 5
    commands[0] = commands[0].removeprefix(". .venv/bin/activate\n")
    given = {"FLASK_ENV": "development", "MAIL_URL": f"file:{tmp_path}/mail"}
    with serving(database_uri, tmp_path, **given) as server:
        body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        assert server.call("POST", "/auth/register", body)[0] == 201
        script = "set -eo pipefail\n" + "".join(f"{block}\necho '{END_OF_BLOCK}'\n" for block in commands)
        env = environment(database_uri, server.port, **given)
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        done = subprocess.run(
            ["bash"],
            input=script.replace("localhost:8000", f"localhost:{server.port}"),
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(f"{END_OF_BLOCK}\n")[:-1]
    for command, (kind, expected), real in zip(commands, shown, printed, strict=True):
        is_same = like(values(expected), values(real)) if kind == "json" else expected == real
        assert is_same, f"{command}\nprinted\n{real}\nand not\n{expected}"
