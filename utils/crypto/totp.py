"""Authenticator codes: TOTP (RFC 6238) with six digits and steps of 30 seconds."""

import base64
import hmac
import io
import secrets
from datetime import datetime

from pyotp import TOTP

STEP = 30  # seconds (RFC 6238, 5.2; ASVS 6.5.5)
DIGITS = 6
_SECRET = 20  # bytes, the length of an HMAC-SHA-1 (RFC 4226, 4)


def new_secret() -> bytes:
    """Return a random secret of 160 bits."""
    return secrets.token_bytes(_SECRET)


def in_base32(secret: bytes) -> str:
    """Return the secret in base32 without padding, as authenticator apps accept it."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, account: str, issuer: str) -> str:
    """Return the `otpauth` URI, the content of the QR code."""
    return _generator(secret).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: bytes, code: str, now: datetime, *, previous: int) -> int | None:
    """Return the time step that matches the code: the current one or one of the `previous`; else None.

    White space in the code is ignored; digits are ASCII. Compares in constant time.
    """
    given = "".join(code.split())
    present = int(now.timestamp()) // STEP
    generator, found = _generator(secret), None
    for step in range(present, present - previous - 1, -1):
        expected = generator.generate_otp(step)
        if hmac.compare_digest(expected.encode(), given.encode()) and found is None:
            found = step
    return found


def qr_svg(text: str) -> str:
    """Return the text as a QR code: an SVG, black on white, with a quiet zone."""
    import segno  # noqa: PLC0415  (rarely needed)

    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        picture, kind="svg", scale=4, border=4, light="white", xmldecl=False, svgclass=None, lineclass=None
    )
    return picture.getvalue().decode()


def _generator(secret: bytes) -> TOTP:
    return TOTP(in_base32(secret), digits=DIGITS, interval=STEP)
