"""joserfc and jwcrypto: the published keys, ID tokens and access tokens, read by other libraries."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider import Person, Provider

pytestmark = pytest.mark.slow
APP = Path(__file__).parent / "apps" / "read_tokens.py"
REDIRECT = "https://reader.example.com/callback"
RESOURCE = "https://reader-api.example.com"


def read(issuer: Provider, python: str, audience: str, *tokens: str) -> dict[str, list[Any]]:
    """Return what each library makes of the tokens."""
    asked = {"keys": issuer.server.call("GET", "/oauth/jwks")[1], "tokens": tokens, "audience": audience}
    done = subprocess.run(
        [python, str(APP)], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


def altered(token: str) -> str:
    """Return the token with another signature."""
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:9]}{'A' if signature[9] != 'A' else 'B'}{signature[10:]}"


def test_id_tokens_of_both_algorithms_are_read(issuer: Provider, person: Person, python: str) -> None:
    for algorithm in ("RS256", "ES256"):
        name = f"reader-{algorithm.lower()}"
        added = issuer.command("clients", "add", name, "--redirect", REDIRECT, "--id-token-alg", algorithm)
        token = person.tokens(name, added["secret"], REDIRECT)["id_token"]
        for right, forged in read(issuer, python, name, token, altered(token)).values():
            assert right["header"]["alg"] == algorithm
            assert (right["claims"]["iss"], right["claims"]["aud"]) == (issuer.url, name)
            assert isinstance(forged, str)


def test_access_token_of_a_resource_is_read_for_its_audience_alone(
    issuer: Provider, person: Person, python: str
) -> None:
    issuer.command("resources", "add", RESOURCE)
    added = issuer.command("clients", "add", "reader", "--redirect", REDIRECT, "--resource", RESOURCE)
    token = person.tokens("reader", added["secret"], REDIRECT, resource=RESOURCE)["access_token"]
    for right, forged in read(issuer, python, RESOURCE, token, altered(token)).values():
        assert (right["header"]["typ"], right["header"]["alg"]) == ("at+jwt", "ES256")
        assert (right["claims"]["aud"], right["claims"]["client_id"]) == (RESOURCE, "reader")
        assert isinstance(forged, str)
    for (refused,) in read(issuer, python, "https://other.example.com", token).values():
        assert isinstance(refused, str)
