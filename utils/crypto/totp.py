"""Authenticator codes (TOTP, RFC 6238): six digits of a secret and the time, in steps of thirty seconds."""

import base64
import hmac
import io
import secrets
from datetime import datetime

from pyotp import TOTP

STEP = 30  # seconds (RFC 6238, 5.2; ASVS 6.5.5)
DIGITS = 6
_SECRET = 20  # bytes, the length of what HMAC-SHA-1 puts out (RFC 4226, 4)


def new_secret() -> bytes:
    """160 random bits."""
    return secrets.token_bytes(_SECRET)


def in_base32(secret: bytes) -> str:
    """The secret as authenticator apps take it."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, account: str, issuer: str) -> str:
    """What the QR code says: the `otpauth` URI that authenticator apps read."""
    return _generator(secret).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: bytes, code: str, now: datetime, *, previous: int) -> int | None:
    """The time step that this code is of: the present one or one of the `previous`; None if it is of none.

    White space is no part of a code, and digits are ASCII. Takes as long for a wrong code.
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
    """The text as a QR code: an SVG of black squares on white, which carries its own quiet zone."""
    import segno  # noqa: PLC0415  (needed once in the life of an account)

    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        picture, kind="svg", scale=4, border=4, light="white", xmldecl=False, svgclass=None, lineclass=None
    )
    return picture.getvalue().decode()


def _generator(secret: bytes) -> TOTP:
    return TOTP(in_base32(secret), digits=DIGITS, interval=STEP)
