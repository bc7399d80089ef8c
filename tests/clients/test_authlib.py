"""Authlib: the printed configuration of Flask as it is, and an application that uses all of the client."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider import Person, Provider, running_client
from tests.support.server import free_port

pytestmark = pytest.mark.slow
APP = Path(__file__).parent / "apps" / "authlib_app.py"
CODE_FLOW = {"scope": "openid profile email offline_access", "code_challenge_method": "S256"}


def test_printed_configuration_of_flask_logs_in(
    issuer: Provider, person: Person, python: str, tmp_path: Path
) -> None:
    url = f"http://localhost:{free_port()}"
    added = issuer.command("clients", "add", "Flask App", "--redirect", f"{url}/auth/callback")
    snippet = issuer.command("clients", "snippet", "flask-app", "--for", "flask")["snippet"]
    (tmp_path / "app.py").write_text(snippet)
    environ = {"SECRET_KEY": "s" * 32, "OIDC_CLIENT_SECRET": added["secret"]}
    words = [python, "-m", "flask", "--app", "app", "run", "--port", url.rpartition(":")[2]]
    with running_client(words, f"{url}/none", tmp_path, environ):
        assert person.logs_in(url).json()["name"] == person.address.partition("@")[0]
        assert person.opens(url).json()["name"] == person.address.partition("@")[0]


def registered(issuer: Provider, name: str, url: str, *options: str, **client: str) -> dict[str, Any]:
    """Register a client; return its part of `CLIENTS`."""
    redirect_uri = f"{url}/{name}/callback"
    added = issuer.command("clients", "add", name, "--redirect", redirect_uri, *options)
    settings = {
        "client_id": added["id"],
        "client_secret": added["secret"],
        "server_metadata_url": added["discovery"],
        "client_kwargs": CODE_FLOW | client,
    }
    return {"redirect_uri": redirect_uri, "register": settings}


@pytest.fixture(scope="module")
def app(issuer: Provider, python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of an application with two clients."""
    url = f"http://localhost:{free_port()}"
    by_post = {"token_endpoint_auth_method": "client_secret_post"}
    clients = {
        "shop": registered(issuer, "shop", url),
        "curve": registered(issuer, "curve", url, "--id-token-alg", "ES256", **by_post),
    }
    environ = {"CLIENTS": json.dumps(clients)}
    folder = tmp_path_factory.mktemp("authlib")
    with running_client([python, str(APP), url.rpartition(":")[2]], url, folder, environ):
        yield url


def test_login_userinfo_refresh_and_revocation(issuer: Provider, person: Person, app: str) -> None:
    tokens = person.logs_in(f"{app}/shop/login").json()
    claims = tokens["userinfo"]  # Authlib has verified the ID token, and compared the nonce
    assert (claims["iss"], claims["aud"]) == (issuer.url, "shop")
    assert (claims["email"], claims["email_verified"]) == (person.address, True)
    told = person.opens(f"{app}/shop/me").json()
    assert (told["sub"], told["email"]) == (claims["sub"], person.address)
    again = person.opens(f"{app}/shop/refresh").json()
    assert again["refresh_token"] != tokens["refresh_token"]
    assert again["access_token"] != tokens["access_token"]
    assert person.opens(f"{app}/shop/me").json()["sub"] == claims["sub"]
    assert person.opens(f"{app}/shop/revoke").json() == {"status": 200}
    refused = person.opens(f"{app}/shop/refresh")
    assert (refused.status, json.loads(refused.text)["error"]) == (400, "invalid_grant")


def test_es256_and_secret_in_the_body(person: Person, app: str) -> None:
    tokens = person.logs_in(f"{app}/curve/login").json()
    assert tokens["userinfo"]["email"] == person.address
    assert person.opens(f"{app}/curve/refresh").json()["expires_in"] == 600
