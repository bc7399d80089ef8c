"""Wrong configurations of openid-client: `explain-client` names the mistake each time."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask

from tests.support.commands import auth
from tests.support.real_clients import ClientError, Node, Person, Provider, node_program
from tests.support.service import execute

pytestmark = pytest.mark.slow

CALLBACK = "https://app.example.com/cb"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
_numbers = count(1)


class Attempt(NamedTuple):
    """A login that is tried with one mistake. `spoil` runs between authorization and token call."""

    words: str
    add: tuple[str, ...] = ()
    configure: dict[str, Any] = {}
    begin: dict[str, Any] = {}
    spoil: Callable[[Flask, str], Any] | None = None
    finish: dict[str, Any] = {}


def expire_codes(app: Flask, client_id: str) -> None:
    execute(app, f"UPDATE oauth_codes SET expires_at = created_at WHERE client_id = '{client_id}'")


def disable(app: Flask, client_id: str) -> None:
    assert auth(app, "clients", "disable", client_id).exit_code == 0


MISTAKES: dict[str, Attempt] = {
    "redirect address with a slash at its end": Attempt(
        "a slash at the end", begin={"redirect_uri": f"{CALLBACK}/"}
    ),
    "redirect address with http": Attempt(
        "the scheme (http for https)", begin={"redirect_uri": "http://app.example.com/cb"}
    ),
    "redirect address with a port": Attempt(
        "the port (3000 for none)", begin={"redirect_uri": "https://app.example.com:3000/cb"}
    ),
    "redirect address of another host": Attempt(
        "the host (www.example.com for app.example.com)", begin={"redirect_uri": "https://www.example.com/cb"}
    ),
    "no redirect address": Attempt("had no redirect_uri", begin={"redirect_uri": None}),
    "redirect address of the token call by a proxy without https": Attempt(
        "differs from that of the authorization request. sent http://app.example.com/cb",
        finish={"at": "http://app.example.com/cb"},
    ),
    "wrong secret": Attempt("The client secret is wrong.", configure={"secret": "x" * 43}),
    "wrong secret in the body": Attempt(
        "The client secret is wrong.", configure={"secret": "x" * 43, "way": "post"}
    ),
    "confidential client without its secret": Attempt(
        "The application sent no client secret.", configure={"secret": None, "way": "none"}
    ),
    "public client with a secret": Attempt(
        "it is registered as public", add=("--spa",), configure={"secret": "x" * 43}
    ),
    "client_secret_jwt": Attempt(
        "authenticated in a way that is not served", configure={"secret": "x" * 43, "way": "jwt"}
    ),
    "no PKCE": Attempt(
        "PKCE is missing: the request had no code_challenge",
        begin={"code_challenge": None, "code_challenge_method": None},
    ),
    "PKCE plain": Attempt(
        "The code_challenge_method is not S256. asked for plain",
        begin={"code_challenge": VERIFIER, "code_challenge_method": "plain"},
    ),
    "PKCE without its method": Attempt(
        "asked for none, which is plain", begin={"code_challenge_method": None}
    ),
    "wrong verifier": Attempt("does not belong to the code_challenge", finish={"pkceCodeVerifier": VERIFIER}),
    "no verifier": Attempt("The token call had no code_verifier", finish={"pkceCodeVerifier": None}),
    "verifier without a challenge": Attempt(
        "the authorization request had no code_challenge",
        add=("--pkce", "optional"),
        begin={"code_challenge": None, "code_challenge_method": None},
    ),
    "expired code": Attempt("The code had expired", spoil=expire_codes),
    "client disabled after the login": Attempt("The client is disabled.", spoil=disable),
    "unknown scope": Attempt("asked for groups", begin={"scope": "groups"}),
    "implicit flow": Attempt(
        "The response_type is not code. asked for id_token", configure={"responseType": "id_token"}
    ),
    "hybrid flow": Attempt("asked for code id_token", configure={"responseType": "code id_token"}),
    "form_post": Attempt("The response_mode is not query.", begin={"response_mode": "form_post"}),
    "unknown prompt": Attempt("asked for silent", begin={"prompt": "silent"}),
    "resource that is not the client's": Attempt(
        "asked for https://other.example.com", begin={"resource": "https://other.example.com"}
    ),
    "resource in the token call only": Attempt(
        "names a resource that was not granted", finish={"resource": "https://other.example.com"}
    ),
}


@pytest.fixture(scope="module")
def node(packages: Path) -> Iterator[Node]:
    with node_program(packages, "openid_client.mjs") as found:
        yield found


def registered(provider: Provider, node: Node, *options: str, **changes: Any) -> tuple[str, str | None]:
    """Register a client and configure openid-client for it, with changes; return its id and secret."""
    made = provider.add(f"Mistaken {next(_numbers)}", "--redirect", CALLBACK, "--trusted", *options)
    given = {"issuer": provider.issuer, "id": made["id"], "secret": made["secret"]}
    node("configure", **(given | changes))
    return made["id"], made["secret"]


@pytest.mark.parametrize("name", MISTAKES)
def test_explain_client_names_the_mistake(provider: Provider, person: Person, node: Node, name: str) -> None:
    wrong = MISTAKES[name]
    client_id, secret = registered(provider, node, *wrong.add, **wrong.configure)
    url = person.opens(node("begin", **({"redirect_uri": CALLBACK} | wrong.begin)))
    if url is not None:  # else it stays at a page of the service
        if wrong.spoil is not None:
            wrong.spoil(provider.app, client_id)
        at, changes = wrong.finish.get("at", CALLBACK), {**wrong.finish}
        changes.pop("at", None)
        with pytest.raises(ClientError):
            node("finish", url=url.replace(CALLBACK, at, 1), **changes)
    said = provider.explained(client_id)
    assert wrong.words in said
    assert secret is None or secret not in said


def test_code_used_twice_is_named(provider: Provider, person: Person, node: Node) -> None:
    client_id, _ = registered(provider, node)
    url = person.opens(node("begin", redirect_uri=CALLBACK))
    node("finish", url=url)
    with pytest.raises(ClientError):
        node("finish", url=url)
    assert "The code had been used." in provider.explained(client_id)


def test_code_of_another_client_is_named(provider: Provider, person: Person, node: Node) -> None:
    registered(provider, node)
    url = person.opens(node("begin", redirect_uri=CALLBACK))
    client_id, _ = registered(provider, node)
    with pytest.raises(ClientError):
        node("finish", url=url)
    assert "The code was issued to another client." in provider.explained(client_id)


def test_client_that_is_disabled_is_named(provider: Provider, person: Person, node: Node) -> None:
    client_id, _ = registered(provider, node)
    disable(provider.app, client_id)
    assert person.opens(node("begin", redirect_uri=CALLBACK)) is None
    said = provider.explained(client_id)
    assert "The client is disabled: every call is refused." in said
    assert "authorize: The client is disabled." in said


def test_scope_that_a_refresh_adds_is_named(provider: Provider, person: Person, node: Node) -> None:
    client_id, _ = registered(provider, node)
    tokens = node("finish", url=person.opens(node("begin", redirect_uri=CALLBACK, scope="openid")))
    with pytest.raises(ClientError):
        node("refresh", token=tokens["refresh_token"], scope="openid email")
    assert "The refresh asked for more than was granted. asked for email" in provider.explained(client_id)


def test_client_credentials_grant_is_named(provider: Provider, node: Node) -> None:
    client_id, _ = registered(provider, node)
    with pytest.raises(ClientError):
        node("credentials")
    assert "sent client_credentials" in provider.explained(client_id)


def test_signed_request_object_is_named(provider: Provider, person: Person, node: Node) -> None:
    client_id, _ = registered(provider, node)
    assert person.opens(node("signedRequest", redirect_uri=CALLBACK, scope="openid")) is None
    assert "The request was sent as a request object." in provider.explained(client_id)


def test_introspection_by_a_client_that_is_no_resource_is_named(
    provider: Provider, person: Person, node: Node
) -> None:
    client_id, _ = registered(provider, node)
    node_tokens = node("finish", url=person.opens(node("begin", redirect_uri=CALLBACK)))
    assert node("introspect", token=node_tokens["access_token"]) == {"active": False}
    assert "The call is for resources only." in provider.explained(client_id)


def test_logout_address_that_is_not_registered_is_named(
    provider: Provider, person: Person, node: Node
) -> None:
    client_id, _ = registered(provider, node)
    tokens = node("finish", url=person.opens(node("begin", redirect_uri=CALLBACK)))
    after = "https://app.example.com/bye"
    person.logs_out(node("logout", post_logout_redirect_uri=after, id_token_hint=tokens["id_token"]))
    person.log_in()
    assert "The post_logout_redirect_uri is not registered. asked for" in provider.explained(client_id)
