"""The recipes of docs/guides/import.md, run as written on what each system exports."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask

from tests.docs.test_tour import blocks
from tests.imports.make import passwords_of_django
from tests.support.architecture import ROOT
from tests.support.documents import section
from tests.support.service import PASSWORD, START, FixedClock, login, rows

FIXTURES = ROOT / "tests" / "imports"
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


class Recipe(NamedTuple):
    """What a recipe imports: its files, the accounts with the usual password, and other lines."""

    files: tuple[str, ...]
    opens: tuple[str, ...]
    confirmed: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    without_password: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


ADA, GRACE, MARY, ALAN = (f"{name}@example.com" for name in ("ada", "grace", "mary", "alan"))
RECIPES = {
    "django": Recipe(("django.json",), (ADA, GRACE), disabled=(MARY,), without_password=(ALAN,)),
    "flask": Recipe(("flask.sql",), (ADA, GRACE)),
    "flask-security": Recipe(("flask-security.csv", "salt.txt"), (ADA, GRACE), (ADA,), disabled=(MARY,)),
    "firebase": Recipe(
        ("firebase.json", "firebase-params.txt"), (ADA,), (ADA,), (MARY,), (ALAN,), ("missing_fields",)
    ),
    "auth0": Recipe(("auth0.ndjson",), (ADA, GRACE), (ADA,)),
    "supabase": Recipe(("supabase.csv",), (ADA, GRACE), (ADA,), (MARY,), (ALAN,)),
    "clerk": Recipe(("clerk.csv",), (ADA, GRACE), (ADA,), without_password=(ALAN,)),
    "keycloak": Recipe(("keycloak.json",), (ADA, GRACE, "edsger@example.com"), (ADA,), (MARY,), (ALAN,)),
    "wordpress": Recipe(("wordpress.json",), (ADA, GRACE)),
}


def run_recipe(app: Flask, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the commands of a recipe in a folder; `flask` itself runs in this process."""
    (commands,) = blocks(section(f"import-{name}"), "bash")
    stub = "flask() { printf '%s\\n' \"$@\" > arguments; }\n"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", stub + commands],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    words = (folder / "arguments").read_text().split()
    assert words[:2] == ["--app", "app"]
    monkeypatch.chdir(folder)
    return app.test_cli_runner().invoke(args=words[2:])


def provide(folder: Path, files: Iterable[str]) -> None:
    for file in files:
        shutil.copy(FIXTURES / file, folder)
        if file.endswith(".sql"):
            connection = sqlite3.connect(folder / f"{Path(file).stem}.db")
            connection.executescript((FIXTURES / file).read_text("utf-8"))
            connection.close()


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_imports_accounts_that_log_in_with_their_old_passwords(
    app: Flask, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = RECIPES[name]
    provide(tmp_path, recipe.files)
    result = run_recipe(app, name, tmp_path, monkeypatch)
    assert result.exit_code == min(len(recipe.refused), 1), result.output
    faults = result.stdout.splitlines()[:-1]
    assert [line.split()[2] for line in faults] == [*recipe.refused]
    found = {row["email"]: row for row in rows(app, "SELECT * FROM users")}
    assert {*found} == {*recipe.opens, *recipe.disabled, *recipe.without_password}

    def having(column: str) -> set[str]:
        return {email for email in found if found[email][column]}

    assert having("email_verified_at") == {*recipe.confirmed}
    assert having("disabled_at") == {*recipe.disabled}
    assert having("password_hash") == {*recipe.opens, *recipe.disabled}
    assert login(app.test_client(), recipe.opens[0], "a wrong one").status_code == 401
    for email in recipe.opens:
        assert login(app.test_client(), email).status_code == 200, email
    for email in (*recipe.disabled, *recipe.without_password):
        assert login(app.test_client(), email).status_code == 401
    assert PASSWORD not in result.output


def test_guide_shows_what_an_import_prints_and_reports(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provide(tmp_path, RECIPES["auth0"].files)
    (printed,) = blocks(section("output-of-an-import"), "text")
    (report,) = blocks(section("report-of-an-import"), "json")
    result = run_recipe(app, "auth0", tmp_path, monkeypatch)
    dry, real = printed.splitlines()
    assert [real] == result.stdout.splitlines()
    assert dry == real.replace("created", "would be created")
    assert (tmp_path / "report.jsonl").read_text("utf-8").splitlines() == report.splitlines()


def test_every_recipe_of_the_guide_is_run() -> None:
    text = (ROOT / "docs/guides/import.md").read_text("utf-8")
    named = {line[12:-4] for line in text.splitlines() if line.startswith("<!-- import-")}
    assert named == {*RECIPES}


def test_times_of_the_old_system_are_kept(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provide(tmp_path, RECIPES["wordpress"].files)
    run_recipe(app, "wordpress", tmp_path, monkeypatch)
    created = rows(app, "SELECT created_at FROM users ORDER BY created_at")
    assert str(created[0]["created_at"]).startswith("2014-07-21 08:15:00")


@pytest.mark.nightly  # `test_foreign_hashes.py` reads each kind of hash, and the recipe above logs in
def test_thousand_users_of_an_old_django_application_log_in_with_their_old_passwords(
    app: Flask, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their hashes were made by Django's own hashers, with the costs of its releases since 1.4."""
    import gzip

    (tmp_path / "django.json").write_bytes(gzip.decompress((FIXTURES / "django-1000.json.gz").read_bytes()))
    result = run_recipe(app, "django", tmp_path, monkeypatch)
    assert result.stdout == "1000 lines: 1000 created, 0 exist already, 0 refused.\n"
    assert clock.now() == START
    client = app.test_client()
    for name, password in passwords_of_django().items():
        assert login(client, name, password).status_code == 200, name
    renewed = rows(app, "SELECT count(*) AS n FROM users WHERE password_hash LIKE 'scrypt:256:8:1$%'")
    assert renewed == [{"n": 1000}]
