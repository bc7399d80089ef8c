"""The guides' tour and examples are executed as written."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from models import db
from tests.support.documents import section
from tests.support.project import copy_project
from tests.support.server import serving
from tests.support.service import register

ROOT = Path(__file__).parent.parent.parent
END_OF_BLOCK = "--- end of block ---"
LACKING = [tool for tool in ("bash", "curl", "python3") if shutil.which(tool) is None]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def values(text: str) -> list[Any]:
    """Return the consecutive JSON values in a text."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def like(shown: Any, real: Any) -> bool:
    """Return whether a response matches the documented one; `...` matches any non-empty text."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(like(shown[key], real[key]) for key in shown)
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(like, shown, real))
    if isinstance(shown, str) and isinstance(real, str):
        return re.fullmatch(".+".join(map(re.escape, shown.split("..."))), real) is not None
    return type(shown) is type(real) and bool(shown == real)


def run_in_one_shell(commands: list[str], home: Path) -> list[str]:
    """Run the blocks in one bash that stops at the first failure; return what each prints."""
    script = "set -eo pipefail\n" + "".join(f"{block}\necho '{END_OF_BLOCK}'\n" for block in commands)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
    done = subprocess.run(
        ["bash"], input=script, env=env, cwd=home, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(f"{END_OF_BLOCK}\n")[:-1]


@pytest.mark.slow
@pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")
def test_tour_runs_as_written(database_uri: str, tmp_path: Path) -> None:
    tour = section("tour")
    commands, shown = blocks(tour, "bash"), blocks(tour, "json")
    assert len(commands) == len(shown) >= 7
    # A developer's own .env must not change what the tour shows.
    given = {"JWT_ACCESS_TOKEN_EXPIRES": "3600", "MAIL_URL": f"file:{tmp_path}/instance/mail"}
    with serving(database_uri, tmp_path, FLASK_ENV="development", **given) as server:
        here = [block.replace("localhost:8000", f"localhost:{server.port}") for block in commands]
        printed = run_in_one_shell(here, tmp_path)
    for command, expected, real in zip(commands, shown, printed, strict=True):
        assert like(values(expected), values(real)), f"{command}\nprinted\n{real}\nand not\n{expected}"


@pytest.mark.slow
@pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")
def test_readme_token_is_accepted_by_a_guarded_route(database_uri: str, tmp_path: Path) -> None:
    (block,) = blocks(section("first token"), "bash")
    given = {"MAIL_URL": f"file:{tmp_path}/instance/mail"}
    with serving(database_uri, tmp_path, FLASK_ENV="development", **given) as server:
        (printed,) = run_in_one_shell([block.replace("localhost:8000", f"localhost:{server.port}")], tmp_path)
    registered, me = values(printed)
    assert registered["message"] == "User registered successfully"
    assert me["user"] == registered["user"]


@pytest.fixture
def app() -> Flask:
    app = create_app("testing")
    with app.app_context():
        db.create_all()
    return app


# Run in a copy of the project with the example added.
ASK = """
import json, sys
from app import create_app
from models import db
from tests.support.service import bearer, signed_in

app = create_app("testing")
with app.app_context():
    db.create_all()
client, path = app.test_client(), sys.argv[1]
token = signed_in(client)["access_token"]
answer = client.get(path, headers=bearer(token))
described = client.get("/openapi.json").get_json()["paths"][path]
print(json.dumps([answer.get_json(), client.get(path).status_code, described["get"]["summary"]]))
"""


@pytest.mark.slow
def test_the_added_endpoint_of_the_guide_works(tmp_path: Path) -> None:
    example = section("example")
    copy = copy_project(tmp_path / "copy")
    for block in blocks(example, "python"):
        named = re.match(r"# (\S+)\n", block)
        assert named, "the first line of each piece names its file"
        assert (copy / named[1]).exists()
        last_definition = re.findall(r"^def (\w+)", block, re.MULTILINE)[-1]
        if f"def {last_definition}(" in (copy / named[1]).read_text():
            continue  # the reader has added it
        with (copy / named[1]).open("a") as file:
            file.write("\n\n" + block)
    path = re.search(r"localhost:8000(\S+)", blocks(example, "bash")[0])
    assert path
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    asked = subprocess.run(
        [sys.executable, "-c", ASK, path[1]],
        env=env,
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    answer, without_token, summary = json.loads(asked.stdout)
    assert like(values(blocks(example, "json")[0]), [answer])
    assert without_token == 401
    assert summary == "Read when the user last signed in"


def test_tour_comparison_detects_differences(app: Flask) -> None:
    real = register(app.test_client()).get_json()
    shown = values(blocks(section("tour"), "json")[0])[0]
    assert like(shown, real)
    assert not like(shown | {"message": "User registered"}, real)
    assert not like({**shown, "user": {**shown["user"], "created_at": "1999..."}}, real)
    assert not like({**shown, "user": {**shown["user"], "id": True}}, real)
    assert not like(shown, {**real, "more": 1})
