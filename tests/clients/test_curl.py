"""curl: the printed shell script logs in, with the code that the person copies."""

import json
import shutil
import subprocess

import pytest

from tests.support.authorization_requests import parameters_of
from tests.support.provider import Person, Provider
from tests.support.server import DEADLINE

pytestmark = pytest.mark.slow
REDIRECT = "https://app.example.com/callback?tenant=1"


@pytest.mark.parametrize("kind", ["web", "spa"])
def test_printed_script_logs_in(issuer: Provider, person: Person, kind: str) -> None:
    if shutil.which("curl") is None or shutil.which("openssl") is None:
        pytest.skip("needs curl and openssl")
    options = ["--redirect", REDIRECT, *(["--spa"] if kind == "spa" else [])]
    added = issuer.command("clients", "add", f"Shell {kind}", *options)
    script = issuer.command("clients", "snippet", added["id"], "--for", "curl")["snippet"]
    if added["secret"]:
        script = script.replace("(the secret, which `clients add` printed)", added["secret"])
    process = subprocess.Popen(
        ["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    code = parameters_of(person.allows(person.opens(url)))["code"]
    tokens = json.loads(process.communicate(f"{code}\n", timeout=DEADLINE)[0])
    assert tokens["token_type"] == "Bearer"
    assert tokens["id_token"]
