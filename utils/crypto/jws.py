"""JSON Web Signatures by asymmetric keys (RFC 7515, 7517, 7518, 7638, 8725): RS256 and ES256.

The algorithm of a token is that of the key that its `kid` names, never the one that the token claims. Keys
are found in a dictionary, never in the header.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from utils.crypto.claims import COMPACT

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey
PublicKey = RSAPublicKey | EllipticCurvePublicKey
Jwk = Mapping[str, str]

RS256, ES256 = "RS256", "ES256"
ALGORITHMS = (RS256, ES256)
RSA_BITS = 3072
_EXPONENT = 65537
_COORDINATE = 32  # bytes of a coordinate of P-256, with leading zeros (RFC 7518, 6.2.1.2)
MAX_LENGTH = 8192
KID = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 digest in base64url
_HEADER = {"alg", "kid", "typ"}  # exactly: neither `crit` nor a key (`jwk`, `jku`, `x5c`, `x5u`)
_JSON = json.JSONEncoder(separators=(",", ":"))
# Not members of JWKs that are hashed (RFC 7638, 3.2)
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the only algorithm that it verifies."""

    alg: str
    key: PublicKey


def make_private(alg: str) -> PrivateKey:
    """Return a new private key. RS256 takes some tenths of a second."""
    return generate_rsa(_EXPONENT, RSA_BITS) if alg == RS256 else generate_private_key(SECP256R1())


def to_bytes(private: PrivateKey) -> bytes:
    """Return the key as DER (PKCS #8), not encrypted."""
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def from_bytes(data: bytes) -> PrivateKey:
    """Return the key of `to_bytes`. Does not check an RSA key, which takes 150 ms: pass authentic bytes."""
    return cast(PrivateKey, load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True))


def public_jwk(private: PrivateKey) -> dict[str, str]:
    """Return the public key as a JWK with `kid`, `alg` and `use` (RFC 7517, 4)."""
    numbers = private.public_key().public_numbers()
    if isinstance(numbers, RSAPublicNumbers):
        size = (numbers.n.bit_length() + 7) // 8
        jwk = {"kty": "RSA", "n": _number(numbers.n, size), "e": _number(numbers.e, 3)}
        alg = RS256
    else:
        x, y = _number(numbers.x, _COORDINATE), _number(numbers.y, _COORDINATE)
        jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        alg = ES256
    return jwk | {"use": "sig", "alg": alg, "kid": thumbprint(jwk)}


def thumbprint(jwk: Jwk) -> str:
    """Return the SHA-256 thumbprint of a JWK (RFC 7638): 43 characters."""
    members = {name: jwk[name] for name in _REQUIRED[jwk["kty"]]}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return _base64url(sha256(text.encode()).digest())


def verification_key(jwk: Jwk) -> VerificationKey:
    """Return the public key of a JWK that `public_jwk` made."""
    if jwk["kty"] == "RSA":
        rsa = RSAPublicNumbers(_integer(jwk["e"]), _integer(jwk["n"]))
        return VerificationKey(RS256, rsa.public_key())
    point = EllipticCurvePublicNumbers(_integer(jwk["x"]), _integer(jwk["y"]), SECP256R1())
    return VerificationKey(ES256, point.public_key())


def sign(private: PrivateKey, alg: str, kid: str, typ: str, claims: Mapping[str, Any]) -> str:
    """Return a JWT with these claims (RFC 7519), whose header has `alg`, `kid` and `typ` only.

    `jwt.encode` makes header and encoder anew each time, which takes as long as a signature of ES256.
    """
    signed = f"{_header_of(alg, kid, typ)}.{_base64url(_JSON.encode(claims).encode())}"
    signature = jwt.get_algorithm_by_name(alg).sign(signed.encode(), private)
    return f"{signed}.{_base64url(signature)}"


def kid_of(token: object) -> str | None:
    """Return the `kid` of a text in the form of a token of ours, or None. Verifies nothing."""
    header = _header(token)
    return header["kid"] if header else None


def verify(ring: Mapping[str, VerificationKey], token: object, typ: str) -> dict[str, Any] | None:
    """Return the claims of a token of this type that a key of the ring signed, else None.

    Compares neither times nor issuer nor audience.
    """
    header = _header(token)
    if header is None or header["typ"] != typ or (found := ring.get(header["kid"])) is None:
        return None
    try:
        claims: dict[str, Any] = jwt.decode(
            cast(str, token),
            found.key,
            algorithms=[found.alg],
            options={
                "verify_aud": False,
                "verify_iss": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        return None
    return claims


def _header(token: object) -> dict[str, str] | None:
    """Return the header of a token in the compact form that has exactly our members, all of them text."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH or not COMPACT.fullmatch(token):
        return None
    try:
        header = json.loads(_decoded(token.split(".")[0]))
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or header.keys() != _HEADER:
        return None
    if not all(isinstance(value, str) for value in header.values()) or not KID.fullmatch(header["kid"]):
        return None
    return header


@lru_cache(maxsize=64)
def _header_of(alg: str, kid: str, typ: str) -> str:
    """Return the encoded header of the tokens of a key and a type."""
    return _base64url(_JSON.encode({"alg": alg, "kid": kid, "typ": typ}).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(value: int, size: int) -> str:
    return _base64url(value.to_bytes(size, "big"))


def _integer(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")
