"""A client that calls the provider as the OpenID Foundation's conformance suite does."""

import base64
from dataclasses import dataclass
from typing import Any

import jwt
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.authorization_requests import asked, authorization_query, decided, opened, sent
from tests.support.oauth import REDIRECT, SECRET
from tests.support.service import bearer

ISSUER = "http://localhost:8000"
NONCE, STATE = "nonce of the suite", "state of the suite"
Json = dict[str, Any]


def suite_query(**changes: str | None) -> str:
    """Return a query as the suite sends it: state and nonce, no PKCE; None leaves a parameter out."""
    usual: dict[str, str | None] = {"scope": "openid", "state": STATE, "nonce": NONCE}
    usual |= dict.fromkeys(("code_challenge", "code_challenge_method"))
    return authorization_query(**(usual | changes))


@dataclass
class Suite:
    """A confidential client without PKCE, and the browser of a person."""

    app: Flask
    browser: FlaskClient
    access: str  # token of the session in the browser
    client_id: str = "app"

    def answer(self, query: str, access: str | None = None, ticket: str | None = None) -> dict[str, str]:
        """Open a request, allow it if that is asked, and return the parameters of the answer."""
        token = self.access if access is None else access
        at = ticket or opened(self.browser, query)
        found = asked(self.browser, query, token, ticket=at)
        if found["status"] == "consent":
            found = decided(self.browser, query, token, ticket=at)
        return sent(found)

    def code(self, **changes: str | None) -> str:
        """Return the code of a request that succeeds; state and issuer are as they must be."""
        got = self.answer(suite_query(**changes))
        assert (got["state"], got["iss"]) == (STATE, ISSUER), got
        return got["code"]

    def token_call(self, **form: str) -> TestResponse:
        """Call the token endpoint with `client_secret_basic`."""
        encoded = base64.b64encode(f"{self.client_id}:{SECRET}".encode()).decode()
        headers = {"Authorization": f"Basic {encoded}"}
        return self.app.test_client().post("/oauth/token", data=form, headers=headers)

    def redeem(self, code: str, **form: str) -> TestResponse:
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        return self.token_call(**(given | form))

    def tokens(self, **changes: str | None) -> Json:
        """Return the token response of a login that succeeds."""
        return answered(self.redeem(self.code(**changes)))

    def id_token(self, token: str, nonce: str | None = NONCE) -> Json:
        """Return the claims of an ID token, verified by the published keys as the suite does it."""
        header = jwt.get_unverified_header(token)
        published = self.app.test_client().get("/oauth/jwks").get_json()["keys"]
        (key,) = [each for each in published if each["kid"] == header["kid"]]
        # The clock of the tests stands in the past of that of PyJWT.
        options: Any = {"verify_exp": False, "verify_iat": False}
        options["require"] = ["iss", "sub", "aud", "exp", "iat"]
        claims: Json = jwt.decode(
            token,
            jwt.PyJWK(key).key,
            algorithms=["RS256"],
            audience=self.client_id,
            issuer=ISSUER,
            options=options,
        )
        assert header["alg"] == "RS256"
        assert claims.get("nonce") == nonce
        return claims

    def userinfo(self, token: str) -> TestResponse:
        return self.app.test_client().get("/oauth/userinfo", headers=bearer(token))


def answered(answer: TestResponse) -> Json:
    """Return the JSON of a 200."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: Json = answer.get_json()
    return body
