"""Bad input of an import: each line is refused or the file is, and every other line is imported."""

import json
from pathlib import Path

import pytest
from flask import Flask

from auth.transfer.lines import MAX_LINE
from tests.support.imports import account, reported, text_of
from tests.support.service import rows

GOOD = [text_of([account(name)]).encode() for name in ("ada", "grace")]
LINES: dict[str, tuple[bytes, str]] = {
    "over 16 KiB": (b'{"email": "' + b"x" * MAX_LINE + b'"}\n', "line_too_long"),
    "over 1 MiB": (b"[" * 2**20 + b"\n", "line_too_long"),
    "16 KiB of brackets": (b"[" * MAX_LINE + b"\n", "json_invalid"),
    "16 KiB of objects": (b'{"a":' * (MAX_LINE // 5) + b"\n", "json_invalid"),
    "deep nesting in a field": (b'{"email": ' + b"[" * 900 + b"]" * 900 + b"}\n", "json_invalid"),
    "duplicate key": (b'{"email": "a@example.com", "email": "b@example.com"}\n', "json_invalid"),
    "NaN": (b'{"email": "a@example.com", "id": NaN}\n', "json_invalid"),
    "Infinity": (b'{"email": "a@example.com", "id": -Infinity}\n', "json_invalid"),
    "number beyond every double": (b'{"email": "a@example.com", "id": 1e999}\n', "validation_failed"),
    "number of 10,000 digits": (b'{"id": ' + b"9" * 10_000 + b"}\n", "json_invalid"),
    "lone surrogate": (b'{"email": "a@example.com", "username": "\\ud800"}\n', "json_invalid"),
    "surrogate in UTF-8": (b'{"username": "\xed\xa0\x80"}\n', "json_invalid"),
    "overlong UTF-8": (b'{"username": "\xc0\xaf"}\n', "json_invalid"),
    "NUL byte": (b'{"email": "a@example.com\0"}\n', "json_invalid"),
    "byte order mark inside": (b"\xef\xbb\xbf" + GOOD[0], "json_invalid"),
    "list": (b"[1]\n", "json_invalid"),
    "two objects": (b"{} {}\n", "json_invalid"),
    "text": (b"email,username\n", "json_invalid"),
}


def import_bytes(app: Flask, path: Path, data: bytes) -> tuple[int, str, str]:
    """Import a file of these bytes; return the exit code, and what was printed to each stream."""
    path.write_bytes(data)
    result = app.test_cli_runner().invoke(args=["auth", "import", str(path), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def names(app: Flask) -> list[str]:
    return [row["username"] for row in rows(app, "SELECT username FROM users ORDER BY id")]


@pytest.mark.parametrize("name", LINES)
def test_bad_line_is_refused_and_the_lines_around_it_are_imported(
    app: Flask, tmp_path: Path, name: str
) -> None:
    line, fault = LINES[name]
    code, printed, _ = import_bytes(app, tmp_path / "file", GOOD[0] + line + GOOD[1])
    summary = json.loads(printed)
    assert (code, summary["created"], summary["faults"]) == (1, 2, {fault: 1})
    assert names(app) == ["ada", "grace"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", (0, 0, 0)),
        (b"\xef\xbb\xbf", (0, 0, 0)),
        (b"\n\r\n \n", (0, 0, 0)),
        (b"\xef\xbb\xbf" + b"".join(GOOD), (0, 2, 0)),
        (b"".join(GOOD).replace(b"\n", b"\r\n"), (0, 2, 0)),
        (b"".join(GOOD).removesuffix(b"\n"), (0, 2, 0)),
        (b"".join(GOOD).replace(b"\n", b"\r"), (1, 0, 1)),
    ],
    ids=["empty", "only a mark", "blank", "mark", "CRLF", "no last line break", "CR"],
)
def test_file_with_other_line_breaks_or_a_mark_is_read(
    app: Flask, tmp_path: Path, data: bytes, expected: tuple[int, int, int]
) -> None:
    code, printed, _ = import_bytes(app, tmp_path / "file", data)
    summary = json.loads(printed)
    assert (code, summary["created"], summary["refused"]) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_file_in_another_encoding_is_refused(app: Flask, tmp_path: Path, encoding: str) -> None:
    data = b"".join(GOOD).decode().encode(encoding)
    code, printed, _ = import_bytes(app, tmp_path / "file", data)
    summary = json.loads(printed)
    assert (code, summary["created"], [*summary["faults"]]) == (1, 0, ["json_invalid"])


def test_directory_or_missing_file_is_a_usage_error(app: Flask, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        result = app.test_cli_runner().invoke(args=["auth", "import", str(path)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Invalid value for 'FILE'" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("given", [2**63, -(2**63), 10**127, 10**4000, 1.5, True, [7], {"a": 1}, "x" * 129])
def test_id_that_is_no_number_of_64_bits_or_short_text_is_refused_and_not_repeated(
    app: Flask, tmp_path: Path, given: object
) -> None:
    (line,) = reported(app, tmp_path, account(id=given))
    assert (line["fault"], [*line["fields"]]) == ("validation_failed", ["id"])
    assert "id" not in line
    assert len(str(line)) < 250
    for number in (2**63 - 1, 1 - 2**63, "x" * 128):
        (line,) = reported(app, tmp_path, account(id=number, roles="no list"))
        assert line["id"] == number
