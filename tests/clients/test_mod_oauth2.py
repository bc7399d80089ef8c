"""mod_oauth2: Apache as a resource, which checks access tokens by the published keys and by introspection."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.apache import apache
from tests.support.provider import Person, Provider
from tests.support.server import DEADLINE, free_port

pytestmark = pytest.mark.slow
REDIRECT = "https://apache.example.com/callback"
RESOURCE = "https://orders.example.com"
OTHER = "https://invoices.example.com"
DIRECTIVES = """
<Location /keys>
    AuthType oauth2
    OAuth2TokenVerify jwks_uri {issuer}/oauth/jwks verify.exp=required
    Require oauth2_claim aud:{resource}
</Location>
<Location /introspection>
    AuthType oauth2
    OAuth2TokenVerify introspect {issuer}/oauth/introspect {introspect}
    Require oauth2_claim aud:{resource}
</Location>
"""


@pytest.fixture(scope="module")
def api(issuer: Provider) -> dict[str, str]:
    """Register two resources; return id and secret of the one that Apache is."""
    issuer.command("resources", "add", OTHER)
    return issuer.command("resources", "add", RESOURCE)


@pytest.fixture(scope="module")
def orders(issuer: Provider, api: dict[str, str]) -> Iterator[str]:
    """Yield the address of an Apache with a page below /keys and one below /introspection."""
    directives = DIRECTIVES.format(
        issuer=issuer.url,
        resource=RESOURCE,
        # Letters, digits, "_", "-" and "." in both.
        introspect=f"introspect.auth=client_secret_basic&client_id={api['id']}&client_secret={api['secret']}",
    )
    pages = {"keys/orders": "the orders", "introspection/orders": "the orders"}
    with apache(free_port(), ["oauth2"], directives, pages) as url:
        yield url


def status(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            assert answer.read() == b"the orders"
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_apache_accepts_valid_tokens_of_its_audience_only(
    issuer: Provider, person: Person, orders: str
) -> None:
    added = issuer.command(
        "clients", "add", "cart", "--redirect", REDIRECT, "--resource", RESOURCE, "--resource", OTHER
    )

    def tokens(resource: str) -> dict[str, str]:
        return person.tokens("cart", added["secret"], REDIRECT, resource=resource)

    token, other = tokens(RESOURCE)["access_token"], tokens(OTHER)["access_token"]
    altered = f"{token[:-9]}{'A' if token[-9] != 'A' else 'B'}{token[-8:]}"
    for way in ("keys", "introspection"):
        assert status(f"{orders}/{way}/orders", token) == 200
        assert status(f"{orders}/{way}/orders", altered) == 401
        assert status(f"{orders}/{way}/orders", other) == 401
        assert status(f"{orders}/{way}/orders", person.access_token) == 401  # one of the service itself
    revoked = tokens(RESOURCE)  # not seen by Apache before, which keeps answers
    form = {"token": revoked["refresh_token"], "client_id": "cart", "client_secret": added["secret"]}
    issuer.posts("/oauth/revoke", form)
    assert status(f"{orders}/introspection/orders", revoked["access_token"]) == 401
