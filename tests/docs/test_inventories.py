"""The inventories of the documents against the code: cryptography, outgoing connections, personal data."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.architecture import BESIDE, ROOT, Sources, project_sources
from tests.support.documents import code_in, read, table_rows

CRYPTOGRAPHY = {"hashlib", "hmac", "secrets", "random", "ssl", "jwt", "cryptography", "itsdangerous"}
CRYPTOGRAPHY |= {"os.urandom", "uuid1", "uuid4", "werkzeug.security", "crypt", "bcrypt", "argon2", "nacl"}
CRYPTOGRAPHY |= {"OpenSSL", "jose"}
CONNECTIONS = {"socket", "smtplib", "urllib.request", "http.client", "redis", "requests", "httpx", "aiohttp"}
CONNECTIONS |= {"ftplib", "imaplib", "poplib", "telnetlib", "xmlrpc", "urllib3", "subprocess", "asyncio"}
Uses = dict[str, set[str]]


def uses(sources: Sources, words: set[str]) -> Uses:
    """Return which of these modules and functions each file of the product imports."""
    found: Uses = {}
    for path, text in sources.items():
        if not path.startswith((*BESIDE, "migrations/")):
            names = set(_imported(ast.parse(text)))
            mine = {word for word in words if any(f"{name}.".startswith(f"{word}.") for name in names)}
            if mine:
                found[path] = mine
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
                yield alias.name
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}" if node.value.id in {"os", "uuid"} else ""
            yield node.attr if node.value.id == "uuid" else ""


def told(document: str, *header: str) -> Uses:
    return {code_in(row[0])[0]: set(code_in(row[1])) for row in table_rows(read(document), *header)}


def test_every_use_of_cryptography_is_in_the_inventory() -> None:
    assert uses(project_sources(), CRYPTOGRAPHY) == told("docs/security/cryptography.md", "module", "uses")


def test_every_derived_key_is_in_the_inventory() -> None:
    product = [text for path, text in project_sources().items() if not path.startswith("tests/")]
    label = r"""(?:Signer\(|derive_key\(.*?, |^PURPOSE = )"([a-z-]+)\""""
    rows = table_rows(read("docs/security/cryptography.md"), "key or secret", "size")
    documented = {name for row in rows if row[0].startswith("derived") for name in code_in(row[0])}
    assert documented == {name for text in product for name in re.findall(label, text, re.MULTILINE)}


def test_columns_that_may_hold_a_name_given_by_the_owner_are_personal() -> None:
    rows = table_rows(read("docs/reference/data.md"), "column", "class")
    classes = {name: row[1] for row in rows for name in code_in(row[0])}
    # The detail of an event is, among others, the name of an API token.
    assert {classes[name] for name in ("api_tokens.name", "passkeys.name", "audit_events.detail")} == {
        "personal"
    }


@pytest.mark.parametrize("package", ["auth", "oauth"])
def test_architecture_page_names_every_package_and_module(package: str) -> None:
    picture = read("docs/architecture.md").split("```")[1]
    block = re.search(rf"^{package}/.*\n((?: .*\n)+)", picture, re.MULTILINE)
    assert block
    columns = [line.strip().partition("  ")[0] for line in block[1].splitlines() if line[2] != " "]
    named = [name for column in columns for name in column.split()]
    folder = ROOT / package
    present = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    present |= {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    assert sorted(named) == sorted(present)


def test_connection_inventory_is_complete() -> None:
    assert uses(project_sources(), CONNECTIONS) == told(
        "docs/security/threat-model.md", "module", "imports", "connects to"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import random", {"random"}),
        ("def late():\n    from hashlib import md5", {"hashlib"}),
        ("import os\nx = os.urandom(5)", {"os.urandom"}),
        ("import uuid\nx = uuid.uuid1()", {"uuid1"}),
        ("from uuid import UUID\nfrom utils.crypto import mac", set()),
        ("from cryptography.hazmat.primitives.hashes import SHA1", {"cryptography"}),
        ("import jwt.algorithms", {"jwt"}),
        ("import secretstore", set()),
    ],
)
def test_new_use_of_cryptography_is_detected(text: str, found: set[str]) -> None:
    assert uses({"utils/new.py": text}, CRYPTOGRAPHY) == ({"utils/new.py": found} if found else {})


@pytest.mark.parametrize(
    "text", ["import urllib.request", "from urllib import request", "import requests as r"]
)
def test_new_connection_is_detected(text: str) -> None:
    assert "utils/new.py" in uses({"utils/new.py": text}, CONNECTIONS)


def test_sha256_is_the_only_digest_but_for_hibp_and_imported_hashes() -> None:
    """Werkzeug hashes passwords as the settings state; everything else uses SHA-256."""
    names = {
        (node.attr, path if node.attr != "sha256" else "")
        for path, text in project_sources().items()
        if not path.startswith(BESIDE)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hashlib"
    }
    imported = {(name, "utils/passwords/foreign_schemes.py") for name in ("md5", "pbkdf2_hmac", "scrypt")}
    assert names == {("sha256", ""), ("sha1", "utils/passwords/leaked.py")} | imported
