"""mod_oauth2: Apache as a resource, which checks access tokens by the published keys and by introspection."""

import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provider import Person, Provider, running_client
from tests.support.server import DEADLINE, free_port

pytestmark = pytest.mark.slow
APACHE, MODULES = Path("/usr/sbin/apache2"), Path("/usr/lib/apache2/modules")
REDIRECT = "https://apache.example.com/callback"
RESOURCE = "https://orders.example.com"
OTHER = "https://invoices.example.com"
CONFIGURATION = """
ServerRoot "{folder}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile apache.pid
ErrorLog /dev/stderr
Mutex posixsem
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule oauth2_module {modules}/mod_oauth2.so
DocumentRoot "{folder}/pages"
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
def apache(issuer: Provider, api: dict[str, str]) -> Iterator[str]:
    """Yield the address of an Apache with a page below /keys and one below /introspection."""
    if not APACHE.exists():
        pytest.skip("needs apache2-bin and libapache2-mod-oauth2")
    # Not under pytest's own folder, which other users cannot read: as root, Apache changes its user.
    folder = Path(tempfile.mkdtemp(prefix="auth-apache-"))
    folder.chmod(0o755)
    for name in ("keys", "introspection"):
        (folder / "pages" / name).mkdir(parents=True)
        (folder / "pages" / name / "orders").write_text("the orders")
    port = free_port()
    user = "" if os.geteuid() else "User nobody\nGroup nogroup"
    text = CONFIGURATION.format(
        folder=folder,
        port=port,
        modules=MODULES,
        issuer=issuer.url,
        resource=RESOURCE,
        # Letters, digits, "_", "-" and "." in both.
        introspect=f"introspect.auth=client_secret_basic&client_id={api['id']}&client_secret={api['secret']}",
    )
    file = folder / "apache.conf"
    file.write_text(f"{user}\n{text}")
    words = [str(APACHE), "-f", str(file), "-D", "FOREGROUND"]
    try:
        with running_client(words, f"http://localhost:{port}", folder):
            yield f"http://localhost:{port}"
    finally:
        shutil.rmtree(folder)


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
    issuer: Provider, person: Person, apache: str
) -> None:
    added = issuer.command(
        "clients", "add", "cart", "--redirect", REDIRECT, "--resource", RESOURCE, "--resource", OTHER
    )

    def tokens(resource: str) -> dict[str, str]:
        return person.tokens("cart", added["secret"], REDIRECT, resource=resource)

    token, other = tokens(RESOURCE)["access_token"], tokens(OTHER)["access_token"]
    altered = f"{token[:-9]}{'A' if token[-9] != 'A' else 'B'}{token[-8:]}"
    for way in ("keys", "introspection"):
        assert status(f"{apache}/{way}/orders", token) == 200
        assert status(f"{apache}/{way}/orders", altered) == 401
        assert status(f"{apache}/{way}/orders", other) == 401
        assert status(f"{apache}/{way}/orders", person.access_token) == 401  # one of the service itself
    revoked = tokens(RESOURCE)  # not seen by Apache before, which keeps answers
    form = {"token": revoked["refresh_token"], "client_id": "cart", "client_secret": added["secret"]}
    issuer.posts("/oauth/revoke", form)
    assert status(f"{apache}/introspection/orders", revoked["access_token"]) == 401
