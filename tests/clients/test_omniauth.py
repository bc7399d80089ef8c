"""omniauth_openid_connect: an application in Ruby, as GitLab and Discourse log in.

The version of Debian does not use PKCE.
"""

import shutil
from pathlib import Path

import pytest

from tests.support.provider import Person, Provider, running_client
from tests.support.server import free_port

pytestmark = pytest.mark.slow
APP = Path(__file__).parent / "apps" / "omniauth_app.rb"


@pytest.mark.parametrize("method", ["basic", "post"])
def test_application_in_ruby_logs_in(issuer: Provider, person: Person, tmp_path: Path, method: str) -> None:
    if shutil.which("ruby") is None:
        pytest.skip("needs ruby-omniauth-openid-connect and ruby-webrick")
    port = free_port()
    url = f"http://localhost:{port}"
    words = ["clients", "add", f"ruby-{method}", "--preset", "gitlab", "--uri", url, "--pkce", "optional"]
    added = issuer.command(*words)
    environ = {
        "ISSUER": issuer.url,
        "CLIENT_ID": added["id"],
        "CLIENT_SECRET": added["secret"],
        "AUTH_METHOD": method,
        "PORT": str(port),
    }
    with running_client(["ruby", str(APP)], url, tmp_path, environ):
        told = person.logs_in(f"{url}/users/auth/openid_connect").json()
    assert told["email"] == person.address
    assert told["uid"] == told["claims"]["sub"]
    assert told["claims"]["preferred_username"] == person.address.partition("@")[0]
