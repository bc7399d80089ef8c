"""`auth_guard.tokens` against the service: tokens are verified offline, and refused soon after their end."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import jwt
import pytest
from auth_guard import Forbidden, Unauthorized, Unavailable
from auth_guard.tokens import TokenVerifier
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from models import db
from oauth.feed import ended
from oauth.stores import endings
from tests.conftest import AppFactory
from tests.support.architecture import ROOT
from tests.support.grants import RESOURCE, grant_row
from tests.support.service import FixedClock, at_once, execute
from tests.support.token_service import Service
from utils.services import services


@pytest.fixture
def service(make_app: AppFactory, clock: FixedClock) -> Iterator[Service]:
    made = Service(make_app, clock)
    yield made
    made.close()


def is_refused(verifier: TokenVerifier, token: str) -> bool:
    try:
        verifier.check(token)
    except Unauthorized:
        return True
    return False


def test_token_is_verified_without_a_call_for_each(service: Service) -> None:
    verifier, token = service.verifier(), service.token()
    for _ in range(5):
        found = verifier.check(token, "orders:read")
    assert (found.user_id, found.client_id, found.grant_id) == (1, "app", str(service.gid))
    assert found.scopes == {"openid", "orders:read"}
    assert service.asked == ["/oauth/jwks", "/oauth/revocations"]


def test_scope_that_is_missing_is_forbidden(service: Service) -> None:
    with pytest.raises(Forbidden) as refusal:
        service.verifier().check(service.token(), "orders:write")
    assert refusal.value.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", scope="orders:write"'
    )


WRONG: dict[str, dict[str, Any]] = {
    "for userinfo": {"aud": "http://localhost/oauth/userinfo"},
    "for another resource": {"aud": "https://other.example.com"},
    "for several": {"aud": [RESOURCE]},
    "of another issuer": {"iss": "https://evil.example"},
    "an ID token": {"typ": "JWT"},
    "a logout token": {"typ": "logout+jwt"},
    "by RS256": {"alg": "RS256"},
    "expired": {"exp": 1},
    "of the future": {"iat": 4102444800, "exp": 4102444900},
    "without a grant": {"gid": None},
    "with a subject that is no account": {"sub": "app"},
    "with times of another kind": {"exp": "never"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_token_of_another_kind_is_refused(service: Service, changes: dict[str, Any]) -> None:
    assert is_refused(service.verifier(), service.token(**changes))


def test_forged_token_is_refused(service: Service) -> None:
    text = service.token().removeprefix("Bearer ")
    claims = jwt.decode(text, options={"verify_signature": False})
    header = jwt.get_unverified_header(text)
    kid = header["kid"]
    other = generate_private_key(SECP256R1())
    public = next(key for key in _published(service) if key["kid"] == kid)
    forged = [
        text[:-2] + ("AA" if text[-2:] != "AA" else "BB"),
        f"{'.'.join(text.split('.')[:2])}.",
        jwt.encode(claims, "", algorithm="none", headers=header | {"alg": "none"}),
        jwt.encode(claims, str(public), algorithm="HS256", headers={"typ": "at+jwt", "kid": kid}),
        jwt.encode(claims, other, algorithm="ES256", headers={"typ": "at+jwt", "kid": kid}),
        jwt.encode(claims, other, algorithm="ES256", headers={"typ": "at+jwt", "kid": "x", "jwk": public}),
        jwt.encode(claims, other, algorithm="ES256", headers={"typ": "at+jwt"}),
        "x",
        "a.b.c",
    ]
    verifier = service.verifier()
    verifier.check(f"Bearer {text}")
    for each in forged:
        assert is_refused(verifier, f"Bearer {each}"), each


def _published(service: Service) -> Any:
    with service.app.app_context():
        return services().signer.published(services())


def test_ended_access_is_refused_within_five_seconds_by_every_resource(
    service: Service, clock: FixedClock
) -> None:
    token = service.token()
    resources = [service.verifier() for _ in range(3)]
    for each in resources:
        each.check(token)
    service.log_out()
    resources[2] = service.verifier()  # it was restarted
    clock.advance(3)
    assert [is_refused(each, token) for each in resources] == [True, True, True]


def test_ending_that_is_held_open_over_two_polls_is_refused_within_five_seconds_of_its_commit(
    service: Service, clock: FixedClock
) -> None:
    token, verifier = service.token(), service.verifier()
    verifier.check(token)
    with service.app.app_context():
        endings.end_bound(db.session(), [service.session], clock.now())  # has set its time
        for _ in range(2):
            clock.advance(3)
            at_once([partial(verifier.check, token)])
        db.session.commit()
    clock.advance(3)
    assert is_refused(verifier, token)
    assert service.asked.count("/oauth/revocations") == 4


def test_ended_access_stays_refused_while_its_tokens_live(service: Service, clock: FixedClock) -> None:
    token, verifier = service.token(), service.verifier()
    service.log_out()
    for _ in range(11):
        clock.advance(54)
        assert is_refused(verifier, token)


def test_token_of_a_leaked_key_is_refused(service: Service, clock: FixedClock) -> None:
    token, verifier = service.token(), service.verifier()
    verifier.check(token)
    execute(service.app, "UPDATE signing_keys SET leaked_at = created_at WHERE alg = 'ES256'")
    clock.advance(3)
    assert is_refused(verifier, token)


def test_ended_access_is_refused_whatever_page_of_the_feed_has_it(
    service: Service, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "PAGE", 2)
    token, verifier = service.token(), service.verifier()
    verifier.check(token)
    others = [grant_row(service.app, service.session, resource=RESOURCE) for _ in range(6)]
    clock.advance(3)
    service.log_out()
    for gid in (service.gid, *others):
        assert is_refused(verifier, service.token(gid=str(gid)))
    assert service.asked.count("/oauth/revocations") == 1 + 4


def test_without_the_feed_for_thirty_seconds_the_service_is_asked_about_each_token(
    service: Service, clock: FixedClock
) -> None:
    token, verifier = service.token(), service.verifier()
    verifier.check(token)
    service.away.add("/oauth/revocations")
    clock.advance(30)
    verifier.check(token)
    assert "/oauth/introspect" not in service.asked
    clock.advance(1)
    verifier.check(token)
    assert service.asked[-1] == "/oauth/introspect"
    service.log_out()
    assert is_refused(verifier, token)
    service.away.add("/oauth/introspect")
    with pytest.raises(Unavailable):
        verifier.check(token)
    service.away.clear()
    clock.advance(3)
    assert is_refused(verifier, token)  # the feed has it, too


def test_without_the_feed_for_thirty_seconds_every_call_is_refused_if_so_configured(
    service: Service, clock: FixedClock
) -> None:
    token, verifier = service.token(), service.verifier(without_feed="refuse")
    verifier.check(token)
    service.away.add("/oauth/revocations")
    clock.advance(31)
    with pytest.raises(Unavailable) as refusal:
        verifier.check(token)
    assert refusal.value.status == 503
    assert "/oauth/introspect" not in service.asked
    service.away.clear()
    clock.advance(3)
    verifier.check(token)


def test_verifier_that_has_never_read_the_feed_does_not_accept_by_signature_alone(service: Service) -> None:
    service.away.add("/oauth/revocations")
    with pytest.raises(Unavailable):
        service.verifier(without_feed="refuse").check(service.token())


def test_unknown_key_is_asked_for_at_most_every_five_seconds(service: Service, clock: FixedClock) -> None:
    verifier = service.verifier()
    verifier.check(service.token())
    forged = jwt.encode({}, generate_private_key(SECP256R1()), "ES256", headers={"typ": "at+jwt", "kid": "x"})
    for _ in range(5):
        assert is_refused(verifier, f"Bearer {forged}")
    clock.advance(5)
    assert is_refused(verifier, f"Bearer {forged}")
    assert service.asked.count("/oauth/jwks") == 2


def test_import_of_auth_guard_needs_neither_pyjwt_nor_cryptography() -> None:
    code = "import auth_guard, sys; print({'jwt', 'cryptography', 'auth_guard.tokens'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT / "sdk" / "python",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
