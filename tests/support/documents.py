"""The documents as the tests read them."""

import re
from collections.abc import Mapping

from tests.support.project import ROOT


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def table_rows(text: str, *header: str) -> list[list[str]]:
    """The rows, as cells, of every table whose header begins with these cells."""
    rows: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[: len(header)] == list(header):
            inside = True
        elif inside and set(line) - set("|- "):
            rows.append(cells)
    return rows


def code_in(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def section(name: str) -> str:
    """Return the text between the markers of this name, from a guide or else the README."""
    for document in [*sorted((ROOT / "docs/guides").glob("*.md")), ROOT / "README.md"]:
        found = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", document.read_text("utf-8"), re.DOTALL)
        if found:
            return found[1]
    raise AssertionError(f"no guide has a section {name}")


def example(name: str, ports: Mapping[int, int], guide: str = "backend") -> str:
    """Return the text between the markers of this name, with only the ports replaced."""
    text = (ROOT / "docs" / "guides" / f"{guide}.md").read_text("utf-8")
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", text, re.DOTALL)
    assert found, name
    changed = found[1]
    for written, real in ports.items():
        assert str(written) in changed
        changed = re.sub(rf"\b{written}\b", str(real), changed)
    return changed


def files_of(name: str) -> dict[str, str]:
    """Return the files in the section of this name, whose first lines are comments with their paths."""
    first = r"(?://|#|<!--) (\S+)(?: -->)?\n"
    found = re.findall(rf"^```\w+\n{first}(.*?)^```$", section(name), re.DOTALL | re.MULTILINE)
    assert found, name
    return dict(found)
