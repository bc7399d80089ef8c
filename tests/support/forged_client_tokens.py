"""Forged tokens of the provider: each differs from a genuine one of its type in one respect."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.service import START
from utils.crypto import jws

NOW = START.timestamp()
ISSUER = "http://localhost:8000"
TYPES = ("at+jwt", "JWT", "logout+jwt")
Json = dict[str, Any]


class Issuer(NamedTuple):
    """What a genuine token is made of."""

    alg: str
    typ: str
    private: jws.PrivateKey
    other: jws.PrivateKey  # the key of the other algorithm

    @property
    def kid(self) -> str:
        return jws.public_jwk(self.private)["kid"]

    def header(self, **changes: Any) -> Json:
        return _changed({"alg": self.alg, "kid": self.kid, "typ": self.typ}, changes)

    def signed(self, header: object, claims: object) -> str:
        """Return a token with this header and a right signature by the genuine key."""
        return _token(header, claims, self._sign)

    def _sign(self, data: bytes) -> bytes:
        return jwt.get_algorithm_by_name(self.alg).sign(data, self.private)

    def by_other(self, header: object, claims: object, alg: str, key: Any) -> str:
        """Return a token that is signed with another algorithm or key."""
        return _token(header, claims, lambda data: jwt.get_algorithm_by_name(alg).sign(data, key))

    def keyed(self, header: object, claims: object, secret: bytes) -> str:
        """Return a token with an HMAC under these bytes."""
        return _token(header, claims, lambda data: hmac.digest(secret, data, "sha256"))

    def unsigned(self, header: object, claims: object) -> str:
        return f"{encoded(header)}.{encoded(claims)}."


def claims(**changes: Any) -> Json:
    genuine = {"iss": ISSUER, "aud": "app", "sub": "1", "jti": "x", "iat": NOW, "exp": NOW + 600}
    return _changed(genuine, changes)


def encoded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _token(header: object, body: object, sign: Callable[[bytes], bytes]) -> str:
    signing = f"{encoded(header)}.{encoded(body)}"
    return f"{signing}.{base64.urlsafe_b64encode(sign(signing.encode())).rstrip(b'=').decode()}"


def _changed(values: Json, changes: Json) -> Json:
    return {name: value for name, value in (values | changes).items() if value is not None}


def _public_forms(private: jws.PrivateKey) -> dict[str, bytes]:
    public = private.public_key()
    forms = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(jws.public_jwk(private)).encode(),
    }
    return forms | {"PEM without the last newline": forms["PEM"].rstrip()}


KIDS: dict[str, Any] = {
    "missing": None,
    "empty": "",
    "unknown": "A" * 43,
    "path": "../../../../dev/null",
    "query": "x' UNION SELECT 'key",
    "address": "https://evil.example/jwks#1",
    "command": "key|sleep 1",
    "newline": "A" * 43 + "\n",
    "list": ["A" * 43],
    "object": {"a": 1},
    "number": 1,
    "long": "A" * 4000,
    "attribute": "__class__",
}
HEADERS: dict[str, Json] = {
    "crit": {"crit": ["x"], "x": 1},
    "crit empty": {"crit": []},
    "b64 false": {"b64": False, "crit": ["b64"]},
    "jku": {"jku": "https://evil.example/jwks"},
    "x5u": {"x5u": "https://evil.example/cert"},
    "x5c": {"x5c": ["MIIB"]},
    "zip": {"zip": "DEF"},
    "cty": {"cty": "JWT"},
    "alg list": {"alg": ["ES256", "RS256"]},
    "alg object": {"alg": {"ES256": 1}},
    "alg in lower case": {"alg": "es256"},
    "alg missing": {"alg": None},
    "typ missing": {"typ": None},
    "typ empty": {"typ": ""},
    "typ list": {"typ": ["at+jwt", "JWT", "logout+jwt"]},
    "typ with application": {"typ": "application/at+jwt"},
    "typ in other case": {"typ": "AT+JWT"},
}
CLAIMS: dict[str, Json] = {
    **{f"{name} missing": {name: None} for name in ("iss", "iat", "exp")},
    "iss other": {"iss": "https://evil.example"},
    "iss with a slash": {"iss": f"{ISSUER}/"},
    "iss list": {"iss": [ISSUER]},
    "exp now": {"exp": NOW},
    "exp text": {"exp": "never"},
    "exp true": {"exp": True},
    "exp infinite": {"exp": float("inf")},
    "exp list": {"exp": [NOW + 60]},
    "iat ahead": {"iat": NOW + 31},
    "iat text": {"iat": "now"},
    "iat NaN": {"iat": float("nan")},
    "nbf ahead": {"nbf": NOW + 31},
}


def forgeries(issuer: Issuer) -> dict[str, str]:
    """Return forged tokens by what is wrong with them."""
    head, good = issuer.header, claims()
    theirs = jws.make_private("ES256")
    their_jwk = jws.public_jwk(theirs)
    found = {f"kid {name}": issuer.signed(head(kid=kid), good) for name, kid in KIDS.items()}
    found |= {name: issuer.signed(head(**changes), good) for name, changes in HEADERS.items()}
    found |= {name: issuer.signed(head(), claims(**changes)) for name, changes in CLAIMS.items()}
    found |= {
        f"typ {typ}": issuer.signed(head(typ=typ), good) for typ in (*TYPES, "rt+jwt") if typ != issuer.typ
    }
    for alg in ("none", "None", "NONE"):
        found[f"alg {alg}"] = issuer.unsigned(head(alg=alg), good)
        found[f"alg {alg} with the signature"] = issuer.signed(head(alg=alg), good)
    for name, secret in _public_forms(issuer.private).items():
        found[f"HS256 with the public key as {name}"] = issuer.keyed(head(alg="HS256"), good, secret)
        found[f"HMAC under the name of {issuer.alg}, {name}"] = issuer.keyed(head(), good, secret)
    other = "RS256" if issuer.alg == "ES256" else "ES256"
    found["other key of ours, our kid"] = issuer.by_other(head(alg=other), good, other, issuer.other)
    other_kid = jws.public_jwk(issuer.other)["kid"]
    found["right key, other kid"] = issuer.signed(head(kid=other_kid), good)
    if issuer.alg == "RS256":
        for alg in ("PS256", "RS384", "RS512"):
            found[f"{alg} by our key"] = issuer.by_other(head(alg=alg), good, alg, issuer.private)
        found["PS256 under the name of RS256"] = issuer.by_other(head(), good, "PS256", issuer.private)
    stolen = {"jwk": their_jwk, "jku": "https://evil.example/jwks", "x5c": ["MIIB"]}
    for kid in (issuer.kid, their_jwk["kid"]):
        found[f"their key, kid {kid == issuer.kid}"] = issuer.by_other(
            head(alg="ES256", kid=kid), good, "ES256", theirs
        )
        for name, value in stolen.items():
            forged = head(alg="ES256", kid=kid, **{name: value})
            found[f"{name}, kid {kid == issuer.kid}"] = issuer.by_other(forged, good, "ES256", theirs)
    found["our key with a jwk"] = issuer.signed(head(jwk=jws.public_jwk(issuer.private)), good)
    body = encoded(good)
    genuine = issuer.signed(head(), good)
    h, _, s = genuine.split(".")
    found |= {
        "no signature": f"{h}.{body}.",
        "two parts": f"{h}.{body}",
        "four parts": f"{genuine}.{s}",
        "five parts": f"{h}.{body}.{s}.{s}.{s}",
        "padding": f"{genuine}==",
        "white space": f"{genuine}\n",
        "signature of other claims": f"{h}.{encoded(claims(sub='2'))}.{s}",
        "digest instead of a signature": f"{h}.{body}.{encoded(hashlib.sha256(body.encode()).hexdigest())}",
        "header no object": issuer.signed("[]", good),
        "claims no object": issuer.signed(head(), "[]"),
        "header deep": issuer.signed("[" * 2000 + "]" * 2000, good),
        "claims deep": issuer.signed(head(), "[" * 2000 + "]" * 2000),
        "too long": issuer.signed(head(), claims(pad="x" * 9000)),
    }
    return found
