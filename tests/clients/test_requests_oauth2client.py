"""requests-oauth2client: login, refresh, introspection and revocation by a program."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.provider import Person, Provider
from tests.support.server import DEADLINE

pytestmark = pytest.mark.slow
APP = Path(__file__).parent / "apps" / "oauth2client_app.py"
RESOURCE = "https://tool-api.example.com"
REDIRECT = "https://tool.example.com/callback"


def test_login_refresh_introspection_and_revocation(issuer: Provider, person: Person, python: str) -> None:
    api = issuer.command("resources", "add", RESOURCE)
    added = issuer.command("clients", "add", "tool", "--redirect", REDIRECT, "--resource", RESOURCE)
    words = [python, str(APP), issuer.url, added["id"], added["secret"], REDIRECT]
    words += [RESOURCE, api["id"], api["secret"]]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin
        assert program.stdout
        sent_to = person.allows(person.opens(program.stdout.readline().strip()))
        assert sent_to.startswith(f"{REDIRECT}?")
        program.stdin.write(f"{sent_to}\n")
        program.stdin.close()
        told = json.loads(program.stdout.read())
        assert program.wait(DEADLINE) == 0
    assert told["claims"]["email"] == person.address
    assert told["introspected"]["active"] is True
    assert (told["introspected"]["client_id"], told["introspected"]["aud"]) == ("tool", RESOURCE)
    assert told["introspected_after"] == {"active": False}
    assert (told["is_rotated"], told["is_revoked"], told["is_refused"]) == (True, True, True)
