"""The command `import`: files, broken lines, reports, exit codes, progress."""

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from auth.stores import transfers
from auth.transfer import import_accounts, progress
from auth.transfer.lines import MAX_LINE, Line, read_lines
from auth.transfer.outcomes import Fault, Note, State
from tests.support.commands import commands_of
from tests.support.documents import code_in, read, table_rows
from tests.support.imports import FIREBASE, FIREBASE_HASH, account, imported, run_import, text_of
from tests.support.service import events, rows

GUIDE = read("docs/guides/import.md")


def from_file(app: Flask, path: Path, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["auth", "import", str(path), *options])


def accounts(app: Flask) -> int:
    return int(rows(app, "SELECT count(*) AS n FROM users")[0]["n"])


@pytest.mark.parametrize("number", [4, 5, 6])
def test_lines_around_a_broken_line_are_imported(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(import_accounts, "BATCH", 5)
    path = tmp_path / "accounts.jsonl"
    lines = [text_of([account(f"user{n}")]) for n in range(1, 13)]
    path.write_text("".join([*lines[: number - 1], '{"email": \n', *lines[number:]]))
    result = from_file(app, path)
    assert result.exit_code == 1
    assert result.stdout == (
        f"line {number}: json_invalid\n12 lines: 11 created, 0 exist already, 1 refused.\n"
    )
    path.write_text("".join(lines))
    result = from_file(app, path)
    assert (result.exit_code, result.stdout) == (
        0,
        "12 lines: 1 created, 11 exist already, 0 refused.\n",
    )
    assert accounts(app) == 12


def test_interrupted_import_goes_on_when_it_is_run_again(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_accounts, "BATCH", 2)
    store, calls = transfers.add, list[int]()

    def interrupted(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return store(*given)

    lines = [account(f"user{n}") for n in range(7)]
    monkeypatch.setattr(transfers, "add", interrupted)
    assert run_import(app, lines, "--report", str(tmp_path / "report")).exit_code == 1
    assert accounts(app) == 4
    assert len((tmp_path / "report").read_text().splitlines()) == 4
    assert imported(app, *lines)["created"] == 3
    assert accounts(app) == 7


@pytest.mark.nightly  # `test_lines_around_a_broken_line_are_imported` is the small case
def test_file_with_a_broken_line_70000_keeps_the_lines_before(app: Flask, tmp_path: Path) -> None:
    path, report = tmp_path / "accounts.jsonl", tmp_path / "report.jsonl"
    lines = [f'{{"email": "user{n}@example.com"}}\n' for n in range(1, 70_003)]
    broken = [*lines]
    broken[69_999] = '{"email": "user70000@example\n'
    path.write_text("".join(broken))
    result = from_file(app, path, "--without-password", "--report", str(report))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "line 70000: json_invalid"
    assert json.loads(report.read_text().splitlines()[69_999])["fault"] == "json_invalid"
    assert accounts(app) == 70_001
    path.write_text("".join(lines))
    assert from_file(app, path, "--without-password").exit_code == 0
    assert accounts(app) == 70_002


def read_back(data: bytes) -> list[Line]:
    return [*read_lines(io.BytesIO(data))]


def test_lines_are_read_with_their_numbers_and_sizes() -> None:
    data = b"\xef\xbb\xbf{}\n\n  \r\n{1}\r\n{2}"
    found = read_back(data)
    assert found == [Line(1, b"{}\n", 6), Line(4, b"{1}\r\n", 10), Line(5, b"{2}", 3)]
    assert sum(line.size for line in found) == len(data)
    assert read_back(b"") == read_back(b"\n\n") == []


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("more", [0, 1, 2, MAX_LINE, 3 * MAX_LINE])
def test_line_that_is_too_long_is_skipped(more: int, end: bytes) -> None:
    data = b"x" * (MAX_LINE + more) + end
    found = read_back(data + (b"{}" if end else b""))
    assert found[0].number == 1
    assert (found[0].raw is None) == (more > 0)
    assert found[0].size == len(data)
    assert [line.raw for line in found[1:]] == ([b"{}"] if end else [])


def test_file_that_is_not_utf8_is_refused_line_by_line(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "accounts.jsonl"
    path.write_bytes(b"\xff\xfe{\n" + b'{"email": "\xff@example.com"}\n' + text_of([account()]).encode())
    result = from_file(app, path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"] == {"json_invalid": 2}
    assert accounts(app) == 1


def test_report_has_a_line_for_each_and_belongs_to_its_owner(app: Flask, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    lines: list[dict[str, Any] | str] = [account("ada", id=7, username="admin"), "{"]
    lines.insert(1, account("grace", email="secret typed here"))
    run_import(app, lines, "--report", str(report))
    found = [json.loads(line) for line in report.read_text().splitlines()]
    assert found == [
        {
            "line": 1,
            "state": "created",
            "id": 7,
            "user_id": 1,
            "username": "ada",
            "notes": ["username_changed"],
        },
        {
            "line": 2,
            "state": "refused",
            "fault": "validation_failed",
            "fields": {"email": "is not a valid email address"},
        },
        {"line": 3, "state": "refused", "fault": "json_invalid"},
    ]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_report_over_a_file_that_others_can_read_belongs_to_its_owner(app: Flask, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    report.write_text("of the last import\n")
    report.chmod(0o644)
    run_import(app, [account("ada")], "--report", str(report))
    assert (len(report.read_text().splitlines()), stat.S_IMODE(report.stat().st_mode)) == (1, 0o600)


def test_printed_refusals_are_limited_and_escaped(app: Flask) -> None:
    lines = [account(f"user{n}", **{"\x1b[31m": 1}) for n in range(25)]
    result = run_import(app, lines)
    printed = result.stdout.splitlines()
    assert len(printed) == 22
    assert printed[0] == "line 1: validation_failed (\\u001b[31m is unknown)"
    assert printed[20] == "... and 5 more refused lines: --report has all"
    assert "\x1b" not in result.stdout


def test_report_that_cannot_be_written_is_refused_before_the_import(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "accounts.jsonl"
    path.write_text(text_of([account()]))
    for report, said in ((path, "overwrite"), (tmp_path / "missing" / "report", "cannot be written")):
        result = from_file(app, path, "--report", str(report))
        assert result.exit_code == 2
        assert said in result.stderr
    assert path.read_text() == text_of([account()])
    assert (accounts(app), events(app)) == (0, [])


def test_report_on_a_full_disk_ends_the_import_in_one_line(app: Flask) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    result = run_import(app, [account()], "--report", "/dev/full")
    assert result.exit_code == 1
    assert "The accounts so far are imported." in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--firebase-params", "rounds: 8", "lacks base64_signer_key"),
        ("--firebase-params", "\udcff", "is not UTF-8"),
        ("--firebase-params", "x" * 65_537, "is too large"),
        ("--flask-security-salt", "", "must be one line"),
    ],
)
def test_file_of_a_key_with_a_fault_is_a_usage_error(
    app: Flask, tmp_path: Path, option: str, text: str, said: str
) -> None:
    path = tmp_path / "key.txt"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = run_import(app, [account()], option, str(path))
    assert (result.exit_code, accounts(app)) == (2, 0)
    assert f"The file of {option} {said}" in result.stderr


def test_two_keys_are_a_usage_error(app: Flask, tmp_path: Path) -> None:
    for name, text in (("firebase", FIREBASE), ("salt", "salt")):
        (tmp_path / name).write_text(text)
    options = [
        "--firebase-params",
        str(tmp_path / "firebase"),
        "--flask-security-salt",
        str(tmp_path / "salt"),
    ]
    assert run_import(app, [account()], *options).exit_code == 2


def test_dry_run_stores_no_key(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "firebase").write_text(FIREBASE)
    options = ["--firebase-params", str(tmp_path / "firebase")]
    assert (
        imported(app, account(password_hash=FIREBASE_HASH), options=[*options, "--dry-run"])["created"] == 1
    )
    assert rows(app, "SELECT * FROM foreign_hash_keys") == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only() -> None:
    for size in (100, None):
        terminal, file = Terminal(), io.StringIO()
        for stream in (terminal, file):
            with progress.on_terminal(stream, size) as shown:
                shown.advance(50, 1000)
                shown.advance(50, 1000)
        assert "Importing" in terminal.getvalue()
        assert "2,000 lines" in terminal.getvalue()
        assert "a second" in terminal.getvalue()
        assert ("100%" in terminal.getvalue()) == (size is not None)
        assert file.getvalue() == ""


@pytest.mark.parametrize(("words", "header"), [(State, "`state`"), (Fault, "`fault`")])
def test_guide_tells_every_state_and_fault(words: type[State] | type[Fault], header: str) -> None:
    told = [word for row in table_rows(GUIDE, header) for word in code_in(row[0])]
    assert sorted(told) == sorted(words)


def test_guide_tells_every_option_field_and_note() -> None:
    command = commands_of()["import"]
    options = {option for each in command.params for option in each.opts if option.startswith("--")}
    told = [code_in(row[0])[0].split()[0] for row in table_rows(GUIDE, "option")]
    assert sorted(told) == sorted(options)
    from auth.transfer.inputs import AccountLine

    fields = [code_in(row[0])[0] for row in table_rows(GUIDE, "field", "type")]
    assert sorted(fields) == sorted(AccountLine.model_fields)
    assert all(f"`{note}`" in GUIDE for note in Note)
