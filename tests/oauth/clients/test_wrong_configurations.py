"""Wrong configurations of applications: `explain-client` names the mistake each time."""

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.oauth.clients.test_client_authentication import basic
from tests.support.authorization_requests import BROWSES, authorization_query
from tests.support.commands import auth
from tests.support.oauth import SECRET, client_row
from tests.support.oauth_tokens import VERIFIER, call, code_of, redeem
from tests.support.service import FixedClock, execute

Mistake = Callable[[Flask, FixedClock], TestResponse]


def opens(**changes: str | None) -> Mistake:
    """Return a login that begins with this request."""
    query = authorization_query(**changes)
    return lambda app, _: app.test_client().get(f"/oauth/authorize?{query}", headers=BROWSES)


def redeems(**form: str | None) -> Mistake:
    """Return a login whose token call has this form."""
    return lambda app, _: redeem(app, code_of(app), **form)


def by_header(header: str, **form: str) -> Mistake:
    def called(app: Flask, clock: FixedClock) -> TestResponse:
        sent = {"grant_type": "authorization_code", "code": "c"} | form
        return app.test_client().post("/oauth/token", data=sent, headers={"Authorization": header})

    return called


def late(app: Flask, clock: FixedClock) -> TestResponse:
    code = code_of(app)
    clock.advance(61)
    return redeem(app, code)


def twice(app: Flask, clock: FixedClock) -> TestResponse:
    code = code_of(app)
    redeem(app, code)
    return redeem(app, code)


def of_other(app: Flask, clock: FixedClock) -> TestResponse:
    client_row(app, "other")
    return redeem(app, code_of(app, client_id="other"))


def without_permission(app: Flask, clock: FixedClock) -> TestResponse:
    code = code_of(app)
    execute(app, "UPDATE oauth_clients SET required_permission = 'app:use'")
    return redeem(app, code)


MISTAKES: dict[str, tuple[Mistake, str]] = {
    "slash": (opens(redirect_uri="https://app.example.com/cb/"), "a slash at the end"),
    "http": (opens(redirect_uri="http://app.example.com/cb"), "the scheme (http for https)"),
    "host": (
        opens(redirect_uri="https://www.example.com/cb"),
        "the host (www.example.com for app.example.com)",
    ),
    "port": (opens(redirect_uri="https://app.example.com:3000/cb"), "the port (3000 for none)"),
    "path": (opens(redirect_uri="https://app.example.com/auth/cb"), "the path (/auth/cb for /cb)"),
    "no redirect": (opens(redirect_uri=None), "had no redirect_uri"),
    "implicit": (
        opens(response_type="id_token token"),
        "Switch the application to the authorization code flow",
    ),
    "form_post": (opens(response_mode="form_post"), "The response_mode is not query."),
    "no pkce": (opens(code_challenge=None, code_challenge_method=None), "PKCE is missing"),
    "plain": (opens(code_challenge_method="plain"), "The code_challenge_method is not S256."),
    "challenge": (opens(code_challenge="short"), "43 characters"),
    "scope": (opens(scope="groups"), "asked for groups"),
    "request object": (opens(request="a.b.c"), "request object"),
    "all in a request object": (
        lambda app, _: app.test_client().get("/oauth/authorize?client_id=app&request=a.b.c", headers=BROWSES),
        "The request was sent as a request object.",
    ),
    "prompt": (opens(prompt="silent"), "asked for silent"),
    "resource": (opens(resource="https://other.example"), "asked for https://other.example"),
    "wrong secret": (redeems(client_secret="wrong"), "The client secret is wrong."),
    "secret with a space": (redeems(client_secret=f"{SECRET} "), "the first or last is a space"),
    "no secret": (redeems(client_secret=None), "The application sent no client secret."),
    "both ways": (
        by_header(basic("app", SECRET), client_id="app", client_secret=SECRET),
        "authenticated in two ways",
    ),
    "bearer": (by_header("Bearer token", client_id="app"), "not a valid one of Basic"),
    "no verifier": (redeems(code_verifier=None), "The token call had no code_verifier"),
    "wrong verifier": (redeems(code_verifier=VERIFIER[:-1] + "x"), "does not belong to the code_challenge"),
    "redirect of the token call": (
        redeems(redirect_uri="https://app.example.com/x"),
        "Send the identical text",
    ),
    "password grant": (
        lambda app, _: call(app, "token", grant_type="password", username="ada", password="x"),
        "password and implicit are not served",
    ),
    "late": (late, "The code had expired"),
    "twice": (twice, "The code had been used."),
    "other client": (of_other, "The code was issued to another client."),
    "permission": (without_permission, "lacks the permission that this client requires"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_explain_client_names_the_mistake(app: Flask, clock: FixedClock, name: str) -> None:
    client_row(app)
    mistake, words = MISTAKES[name]
    assert mistake(app, clock).status_code < 500
    said = auth(app, "explain-client", "app").stdout
    assert words in said
    assert SECRET not in said


def test_public_client_with_a_secret_is_named(app: Flask) -> None:
    client_row(app, kind="spa")
    assert redeem(app, code_of(app)).status_code == 401
    assert "it is registered as public" in auth(app, "explain-client", "app").stdout
