"""A software authenticator: creates passkeys and answers challenges, correctly or with chosen faults."""

import base64
import hashlib
import json
import secrets
import struct
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://localhost:8000"
Json = dict[str, Any]
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SoftPasskey:
    """One credential, with a sign counter that increases unless `counts` is False."""

    def __init__(self, *, counts: bool = True) -> None:
        self.credential_id = secrets.token_bytes(32)
        self.user_handle: bytes | None = None
        self.count, self._counts = 0, counts
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(
        self, options: dict[str, Any], *, origin: str = ORIGIN, flags: int = PRESENT | VERIFIED
    ) -> Json:
        """Return the result of `navigator.credentials.create`."""
        self.user_handle = raw(options["user"]["id"])
        client_data = _client_data("webauthn.create", options["challenge"], origin)
        public = self._key.public_key().public_numbers()
        key = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        )
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + key
        data = self._data(options["rp"]["id"], flags | ATTESTED) + attested
        response = {
            "clientDataJSON": b64(client_data),
            "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._credential(response)

    def get(
        self,
        options: Json,
        *,
        origin: str = ORIGIN,
        flags: int = PRESENT | VERIFIED,
        rp_id: str | None = None,
        handle: bytes | None = None,
        cross_origin: bool = False,
    ) -> Json:
        """Return the result of `navigator.credentials.get`."""
        self.count += self._counts
        client_data = _client_data("webauthn.get", options["challenge"], origin, cross_origin=cross_origin)
        data = self._data(rp_id or options["rpId"], flags)
        signed = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": b64(client_data),
            "authenticatorData": b64(data),
            "signature": b64(signed),
            "userHandle": b64(handle or self.user_handle or b""),
        }
        return self._credential(response)

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _credential(self, response: dict[str, str]) -> Json:
        name = b64(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


def _client_data(kind: str, challenge: str, origin: str, *, cross_origin: bool = False) -> bytes:
    told = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin}
    return json.dumps(told).encode()
