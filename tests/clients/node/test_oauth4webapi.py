"""oauth4webapi 3, a strict implementation of the RFCs, logs in at the service and reads its tokens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import asked
from tests.support.real_clients import ClientError, Node, Person, Provider, node_program

pytestmark = pytest.mark.slow

CALLBACK = "https://app.example.com/cb?tenant=1"
API = "https://api4.example.com"


@pytest.fixture
def node(packages: Path) -> Iterator[Node]:
    with node_program(packages, "oauth4webapi.mjs") as found:
        yield found


@pytest.mark.parametrize(
    ("way", "algorithm", "options"),
    [
        ("basic", "oidc", ()),
        ("post", "oauth2", ("--id-token-alg", "ES256")),
        ("none", "oidc", ("--spa",)),
    ],
)
def test_login_refresh_userinfo_and_revocation(
    provider: Provider, person: Person, node: Node, way: str, algorithm: str, options: tuple[str, ...]
) -> None:
    made = provider.add(f"oauth4webapi {way}", "--redirect", CALLBACK, *options)
    given = {"issuer": provider.issuer, "id": made["id"], "secret": made["secret"]}
    assert node("configure", **given, way=way, algorithm=algorithm)["issuer"] == provider.issuer
    url = person.opens(node("begin", redirect_uri=CALLBACK, max_age="3600"))
    tokens = node("finish", url=url, maxAge=3600)
    sub = tokens["claims"]["sub"]
    assert tokens["claims"]["email"] == person.address
    assert node("userinfo", token=tokens["access_token"], sub=sub)["email"] == person.address
    assert node("accessToken", token=tokens["access_token"], audience=f"{provider.issuer}/oauth/userinfo")
    refreshed = node("refresh", token=tokens["refresh_token"])
    node("revoke", token=refreshed["access_token"])
    with pytest.raises(ClientError) as refused:
        node("refresh", token=refreshed["refresh_token"])
    assert refused.value.told["error"] == "invalid_grant"


def test_resource_verifies_access_tokens_offline_and_by_introspection(
    provider: Provider, person: Person, node: Node
) -> None:
    resource = asked(provider.app, "resources", "add", API, "--scope", "orders:write=Change your orders")
    made = provider.add("oauth4webapi api", "--redirect", CALLBACK, "--resource", API)
    node("configure", issuer=provider.issuer, id=made["id"], secret=made["secret"])
    url = person.opens(node("begin", redirect_uri=CALLBACK, scope="openid orders:write", resource=API))
    tokens = node("finish", url=url)
    claims = node("accessToken", token=tokens["access_token"], audience=API)
    assert (claims["client_id"], claims["sub"]) == (made["id"], tokens["claims"]["sub"])
    assert "orders:write" in claims["scope"].split()
    with pytest.raises(ClientError):
        node("accessToken", token=tokens["access_token"], audience=provider.issuer)
    node("configure", issuer=provider.issuer, id=resource["id"], secret=resource["secret"])
    assert node("introspect", token=tokens["access_token"])["active"] is True


def test_silent_login_without_consent_tells_so_with_the_issuer(
    provider: Provider, person: Person, node: Node
) -> None:
    made = provider.add("oauth4webapi silent", "--redirect", CALLBACK)
    node("configure", issuer=provider.issuer, id=made["id"], secret=made["secret"])
    url = person.opens(node("begin", redirect_uri=CALLBACK, prompt="none"))
    with pytest.raises(ClientError) as refused:
        node("finish", url=url)
    assert refused.value.told["error"] == "consent_required"
