"""JSON Web Keys and signatures, as pure functions."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.support.signing_keys import CachedKeys
from utils.crypto import jws

EXAMPLE = {  # RFC 7638, 3.1
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
    "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q"
    "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
    "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def key(alg: str) -> jws.PrivateKey:
    return CachedKeys()(alg)


def test_thumbprint_is_that_of_rfc_7638() -> None:
    assert jws.thumbprint(EXAMPLE) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_rsa_key_has_3072_bits() -> None:
    private = key("RS256")
    assert isinstance(private, RSAPrivateKey)
    assert private.key_size == 3072


@pytest.mark.parametrize("alg", jws.ALGORITHMS)
def test_public_jwk_has_no_private_member_and_verifies_elsewhere(alg: str) -> None:
    private = key(alg)
    found = jws.public_jwk(private)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & found.keys()
    assert (found["alg"], found["use"], found["kid"]) == (alg, "sig", jws.thumbprint(found))
    token = jws.sign(private, alg, found["kid"], "JWT", {"sub": "1"})
    theirs = jwt.PyJWK.from_json(json.dumps(found))
    assert jwt.decode(token, theirs, algorithms=[alg]) == {"sub": "1"}


@pytest.mark.parametrize("alg", jws.ALGORITHMS)
def test_stored_key_signs_like_the_first_one(alg: str) -> None:
    private = jws.from_bytes(jws.to_bytes(key(alg)))
    found = jws.public_jwk(private)
    ring = {found["kid"]: jws.verification_key(found)}
    token = jws.sign(private, alg, found["kid"], "JWT", {"sub": "1"})
    assert jws.verify(ring, token, "JWT") == {"sub": "1"}
    assert jws.kid_of(token) == found["kid"]
    assert jws.verify({}, token, "JWT") is None


def test_coordinates_with_leading_zeros_have_32_bytes() -> None:
    for _ in range(600):  # one in 128 has such a coordinate
        found = jws.public_jwk(jws.make_private("ES256"))
        assert (len(found["x"]), len(found["y"])) == (43, 43)


def test_text_that_is_no_token_has_no_kid() -> None:
    for text in (None, 1, b"a.b.c", "", "a.b", "a.b.c", "....", "é.b.c", "e30.e30.e30", "bnVsbA.e30.AA"):
        assert jws.kid_of(text) is None
