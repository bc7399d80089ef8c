"""Wrong configurations of Authlib, or of its client here: `explain-client` names the mistake each time."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.oauth_tokens import CHALLENGE
from tests.support.provider import Person, Provider, running_client
from tests.support.server import free_port

pytestmark = pytest.mark.slow
APP = Path(__file__).parent / "apps" / "authlib_app.py"
PKCE = {"code_challenge_method": "S256"}


class Mistake(NamedTuple):
    """What is wrong in the application (`redirect_uri`, arguments of Authlib) or its client, and the words.

    `@` in a redirect address is the address of the application, `PORT` its port.
    """

    words: str
    client: Mapping[str, Any] = {}  # of client_kwargs
    asked: Mapping[str, str] = {}  # of authorize_params
    redirect_uri: str | None = None
    secret: str | None = None
    token: Mapping[str, str] = {}  # of the token call
    registered: Mapping[str, Any] = {}
    at_token: bool = False  # the person has allowed it before
    command: str = ""  # of `clients`, after the registration


MISTAKES = {
    "slash": Mistake("a slash at the end", redirect_uri="@/slash/callback/"),
    "path": Mistake("the path (/oauth/callback for /path/callback)", redirect_uri="@/oauth/callback"),
    "port": Mistake("the port (5000 for ", redirect_uri="http://localhost:5000/port/callback"),
    "scheme": Mistake("the scheme (https for http)", redirect_uri="https://localhost:PORT/scheme/callback"),
    "host": Mistake("the host (127.0.0.1 for localhost)", redirect_uri="http://127.0.0.1:PORT/host/callback"),
    "disabled": Mistake("authorize: The client is disabled.", command="disable"),
    "requestobject": Mistake("The request was sent as a request object.", asked={"request": "e30.e30."}),
    "loginhint": Mistake("login_hint has 600 characters", asked={"login_hint": "a" * 600}),
    "maxage": Mistake("asked for an hour", asked={"max_age": "an hour"}),
    "idtokenhint": Mistake(
        "The id_token_hint is no ID token that this service issued", asked={"id_token_hint": "e30.e30.e30"}
    ),
    "nopkce": Mistake("PKCE is missing", client={"code_challenge_method": None}),
    "scope": Mistake("asked for groups", client={"scope": "groups"}),
    "implicit": Mistake(
        "Switch the application to the authorization code flow", asked={"response_type": "id_token token"}
    ),
    "formpost": Mistake("The response_mode is not query.", asked={"response_mode": "form_post"}),
    "prompt": Mistake("asked for silent", asked={"prompt": "silent"}),
    "audience": Mistake("asked for https://api.example", asked={"resource": "https://api.example"}),
    "permission": Mistake(
        "lacks the permission that this client requires", registered={"required_permission": "app:use"}
    ),
    "secret": Mistake("The client secret is wrong.", secret="copied-badly", at_token=True),
    "nosecret": Mistake(
        "The application sent no client secret.",
        client={"token_endpoint_auth_method": "none"},
        at_token=True,
    ),
    "public": Mistake("it is registered as public", registered={"kind": "spa"}, at_token=True),
    "bothways": Mistake(
        "The application authenticated in two ways", token={"client_secret": "again"}, at_token=True
    ),
    "noverifier": Mistake(
        "The token call had no code_verifier",
        client={"code_challenge_method": None},
        asked={"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
        at_token=True,
    ),
    "latetarget": Mistake(
        "names a resource that was not granted",
        token={"resource": "https://other.example.com"},
        at_token=True,
    ),
    "granttype": Mistake(
        "Use authorization_code and refresh_token", token={"grant_type": "client_credentials"}, at_token=True
    ),
}


def settings_of(name: str, issuer: Provider, url: str, secret: str | None) -> dict[str, Any]:
    """Return the part of `CLIENTS` for the application with this mistake."""
    mistake = MISTAKES[name]
    settings: dict[str, Any] = {
        "client_id": name,
        "client_secret": mistake.secret or secret or "a secret that it should not have",
        "server_metadata_url": f"{issuer.url}/.well-known/openid-configuration",
        "client_kwargs": {"scope": "openid email", **PKCE, **mistake.client},
        "authorize_params": dict(mistake.asked),
    }
    redirect_uri = (mistake.redirect_uri or f"@/{name}/callback").replace("@", url)
    redirect_uri = redirect_uri.replace("PORT", url.rpartition(":")[2])
    return {"redirect_uri": redirect_uri, "register": settings, "token": dict(mistake.token)}


@pytest.fixture(scope="module")
def applications(
    issuer: Provider, python: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Mapping[str, str | None]]]:
    """Yield the address of applications that have a mistake each, and the secrets of their clients."""
    url = f"http://localhost:{free_port()}"
    made = issuer.apply(
        {
            name: {"redirect_uris": [f"{url}/{name}/callback"], **mistake.registered}
            for name, mistake in MISTAKES.items()
        }
    )
    for name, mistake in MISTAKES.items():
        if mistake.command:
            issuer.command("clients", mistake.command, name)
    clients = {name: settings_of(name, issuer, url, made[name]) for name in MISTAKES}
    folder = tmp_path_factory.mktemp("mistakes")
    environ = {"CLIENTS": json.dumps(clients)}
    with running_client([python, str(APP), url.rpartition(":")[2]], url, folder, environ):
        yield url, made


@pytest.mark.parametrize("name", MISTAKES)
def test_explain_client_names_the_mistake(
    issuer: Provider, user: Person, applications: tuple[str, Mapping[str, str | None]], name: str
) -> None:
    url, secrets = applications
    if MISTAKES[name].at_token:
        assert user.logs_in(f"{url}/{name}/login").status == 400
    else:
        page = user.opens(f"{url}/{name}/login")
        if page.url.startswith(issuer.url) and page.status == 200:  # the person is asked
            page = user.opens(user.allows(page))
        assert page.status == 400
    said = issuer.said("explain-client", name)
    assert MISTAKES[name].words in said
    secret = secrets[name]
    assert secret is None or secret not in said


@pytest.fixture(scope="module")
def user(issuer: Provider) -> Person:
    return issuer.person()
