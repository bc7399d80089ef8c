"""Verify tokens by two libraries that the service does not use: joserfc and jwcrypto.

Standard input is a JSON object: `keys` (a JWKS), `tokens` (each a text) and `audience`. Prints the
claims that each library reads, or the name of its error.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from jwcrypto import jwt as jwcrypto_jwt
from jwcrypto.common import JWException
from jwcrypto.jwk import JWKSet

ALGORITHMS = ["RS256", "ES256"]


def by_joserfc(keys: dict[str, Any], token: str, audience: str) -> dict[str, Any]:
    found = joserfc_jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
    wanted = {"essential": True, "value": audience}
    joserfc_jwt.JWTClaimsRegistry(aud=wanted, iss={"essential": True}).validate(found.claims)
    return {"header": found.header, "claims": found.claims}


def by_jwcrypto(keys: dict[str, Any], token: str, audience: str) -> dict[str, Any]:
    found = jwcrypto_jwt.JWT(algs=ALGORITHMS, check_claims={"aud": audience, "iss": None, "exp": None})
    found.deserialize(token, JWKSet.from_json(json.dumps(keys)))
    return {"header": json.loads(found.header), "claims": json.loads(found.claims)}


def read(by: Callable[..., dict[str, Any]], keys: dict[str, Any], token: str, audience: str) -> Any:
    try:
        return by(keys, token, audience)
    except (JoseError, JWException, ValueError) as refused:
        return type(refused).__name__


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    readers = {"joserfc": by_joserfc, "jwcrypto": by_jwcrypto}
    found = {
        name: [read(by, asked["keys"], token, asked["audience"]) for token in asked["tokens"]]
        for name, by in readers.items()
    }
    sys.stdout.write(json.dumps(found))
