"""mod_auth_openidc: Apache logs people in with the printed configuration, and takes back-channel logouts."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import pytest

from tests.support.apache import apache
from tests.support.provider import Person, Provider
from tests.support.server import free_port, until

pytestmark = pytest.mark.slow
PAGE = '<!--#echo var="REMOTE_USER" --> <!--#echo var="OIDC_CLAIM_email" -->'
INCLUDES = """
<Location />
    Options +Includes
    SetOutputFilter INCLUDES
</Location>
"""
PASSPHRASE = "/etc/apache2/oidc-passphrase"


@dataclass(frozen=True)
class Wiki:
    """A page that Apache shows to people who are logged in."""

    url: str
    issuer: Provider

    @property
    def page(self) -> str:
        return f"{self.url}/page"

    def knows(self, person: Person) -> bool:
        """Return whether a person is logged in: the others are sent to the provider."""
        shown = person.opens(self.page)
        if shown.url.startswith(f"{self.issuer.url}/oauth/authorize?"):
            return False
        assert (shown.status, shown.url) == (200, self.page), shown
        return shown.text.endswith(f" {person.address}")


@pytest.fixture(scope="module")
def wiki(issuer: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wiki]:
    port = free_port()
    url = f"http://localhost:{port}"
    told = f"{url}/oauth2callback?logout=backchannel"
    words = ["clients", "add", "wiki", "--preset", "apache", "--uri", url, "--backchannel", told]
    added = issuer.command(*words, "--post-logout", f"{url}/bye")
    passphrase = tmp_path_factory.mktemp("apache") / "passphrase"
    passphrase.write_text(secrets.token_urlsafe(32))
    assert PASSPHRASE in added["snippet"]
    directives = added["snippet"].replace(PASSPHRASE, str(passphrase)) + INCLUDES
    modules = ["auth_openidc", "include"]
    with apache(port, modules, directives, {"page": PAGE, "bye": "Bye"}) as found:
        yield Wiki(found, issuer)


def test_printed_configuration_of_apache_logs_in(wiki: Wiki, person: Person) -> None:
    shown = person.logs_in(wiki.page)
    assert (shown.status, shown.url) == (200, wiki.page)
    subject, _, address = shown.text.partition(" ")
    assert subject.isdecimal()
    assert address == person.address


def test_logout_here_ends_the_session_of_this_person_at_apache(
    wiki: Wiki, issuer: Provider, person: Person
) -> None:
    """Back-Channel Logout 1.0, 2.7: the session with the `sid` of the logout token ends."""
    other = issuer.person()
    person.logs_in(wiki.page)
    other.logs_in(wiki.page)
    assert wiki.knows(person)
    assert issuer.server.call("POST", "/auth/logout", token=person.access_token)[0] == 204
    until(lambda: not wiki.knows(person), "the back-channel logout at Apache")
    assert wiki.knows(other)


def test_logout_at_apache_ends_the_session_here(wiki: Wiki, issuer: Provider, person: Person) -> None:
    person.logs_in(wiki.page)
    asked = person.opens(f"{wiki.url}/oauth2callback?logout={quote(f'{wiki.url}/bye')}")
    assert asked.url.startswith(f"{issuer.url}/oauth/logout?"), asked
    body = {"query": urlsplit(asked.url).query}
    status, answer = issuer.server.call("POST", "/auth/authorizations/logout", body, person.access_token)
    assert (status, answer["status"], answer["redirect_to"]) == (200, "redirect", f"{wiki.url}/bye")
    assert issuer.server.call("GET", "/auth/me", token=person.access_token)[0] == 401
    assert not wiki.knows(person)
