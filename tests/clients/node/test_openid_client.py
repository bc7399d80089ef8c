"""openid-client 6, a certified relying party for Node, logs in at the service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import asked
from tests.support.real_clients import ClientError, Node, Person, Provider, node_program

pytestmark = pytest.mark.slow

CALLBACK = "https://app.example.com/cb"
AFTER = "https://app.example.com/bye"
API = "https://api.example.com"


@pytest.fixture
def node(packages: Path) -> Iterator[Node]:
    with node_program(packages, "openid_client.mjs") as found:
        yield found


def configured(node: Node, provider: Provider, name: str, *options: str) -> dict[str, Any]:
    """Register a client and configure the library with it; return its id and secret."""
    made = provider.add(name, "--redirect", CALLBACK, *options)
    node("configure", issuer=provider.issuer, id=made["id"], secret=made["secret"])
    return made


def logged_in(node: Node, person: Person, **parameters: str) -> dict[str, Any]:
    """Log in; return the tokens, and the claims of the ID token."""
    url = person.opens(node("begin", redirect_uri=CALLBACK, **parameters))
    found: dict[str, Any] = node("finish", url=url)
    return found


@pytest.mark.parametrize("way", ["basic", "post"])
def test_login_refresh_userinfo_and_revocation(
    provider: Provider, person: Person, node: Node, way: str
) -> None:
    made = provider.add(f"openid-client {way}", "--redirect", CALLBACK)
    metadata = node("configure", issuer=provider.issuer, id=made["id"], secret=made["secret"], way=way)
    assert metadata["issuer"] == provider.issuer
    tokens = logged_in(node, person, scope="openid profile email offline_access")
    claims = tokens["claims"]
    assert (claims["iss"], claims["aud"], claims["email"]) == (provider.issuer, made["id"], person.address)
    told = node("userinfo", token=tokens["access_token"], sub=claims["sub"])
    assert (told["email"], told["email_verified"]) == (person.address, True)
    assert told["preferred_username"]

    refreshed = node("refresh", token=tokens["refresh_token"])
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    assert refreshed["claims"]["sub"] == claims["sub"]
    assert node("userinfo", token=refreshed["access_token"], sub=claims["sub"])["sub"] == claims["sub"]

    node("revoke", token=refreshed["refresh_token"])
    with pytest.raises(ClientError) as refused:
        node("refresh", token=refreshed["refresh_token"])
    assert refused.value.told["error"] == "invalid_grant"
    with pytest.raises(ClientError) as refused:
        node("userinfo", token=refreshed["access_token"], sub=claims["sub"])
    assert refused.value.told["status"] == 401


def test_id_token_signed_with_es256_is_verified(provider: Provider, person: Person, node: Node) -> None:
    configured(node, provider, "openid-client es256", "--id-token-alg", "ES256")
    assert logged_in(node, person)["claims"]["email"] == person.address


def test_public_native_client_logs_in_on_another_loopback_port(
    provider: Provider, person: Person, node: Node
) -> None:
    made = provider.add("openid-client native", "--native", "--redirect", "http://127.0.0.1/cb")
    node("configure", issuer=provider.issuer, id=made["id"], way="none")
    url = person.opens(node("begin", redirect_uri="http://127.0.0.1:54321/cb"))
    tokens = node("finish", url=url)
    assert tokens["claims"]["email"] == person.address
    assert node("refresh", token=tokens["refresh_token"])["access_token"]


def test_resource_introspects_a_token_until_it_is_revoked(
    provider: Provider, person: Person, node: Node
) -> None:
    resource = asked(provider.app, "resources", "add", API, "--scope", "orders:read=Read your orders")
    made = configured(node, provider, "openid-client resource", "--resource", API)
    tokens = logged_in(node, person, scope="openid orders:read", resource=API)

    def introspected() -> dict[str, Any]:
        node("configure", issuer=provider.issuer, id=resource["id"], secret=resource["secret"])
        found: dict[str, Any] = node("introspect", token=tokens["access_token"])
        return found

    found = introspected()
    assert (found["active"], found["client_id"], found["aud"]) == (True, made["id"], API)
    assert (found["sub"], "orders:read" in found["scope"].split()) == (tokens["claims"]["sub"], True)
    node("configure", issuer=provider.issuer, id=made["id"], secret=made["secret"])
    node("revoke", token=tokens["access_token"])
    assert introspected() == {"active": False}


def test_denied_consent_is_access_denied(provider: Provider, person: Person, node: Node) -> None:
    configured(node, provider, "openid-client denied")
    url = person.opens(node("begin", redirect_uri=CALLBACK), allow=False)
    with pytest.raises(ClientError) as refused:
        node("finish", url=url)
    assert refused.value.told["error"] == "access_denied"


def test_logout_by_the_client_ends_the_session_and_returns(provider: Provider, node: Node) -> None:
    person = Person(provider.site)
    configured(node, provider, "openid-client logout", "--post-logout", AFTER)
    tokens = logged_in(node, person)
    url = node("logout", post_logout_redirect_uri=AFTER, id_token_hint=tokens["id_token"], state="s t&te")
    answer = person.logs_out(url)
    assert (answer["status"], answer["redirect_to"]) == ("redirect", f"{AFTER}?state=s+t%26te")
    assert provider.site.server.call("GET", "/auth/me", token=person.access)[0] == 401
    with pytest.raises(ClientError) as refused:
        node("refresh", token=tokens["refresh_token"])
    assert refused.value.told["error"] == "invalid_grant"
