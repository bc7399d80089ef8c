"""The answers about second factors: what is shown once."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from utils.totp import qr_svg


class TotpSetUp(TypedDict):
    secret: Annotated[str, Field(description="For typing, in base32.", examples=["GEZDGNBVGY3TQOJQ..."])]
    otpauth_uri: Annotated[str, Field(examples=["otpauth://totp/AxiomTech:ada%40example.com?secret=..."])]
    qr_svg: Annotated[str, Field(description="The URI as a QR code.", examples=["<svg ..."])]


class RecoveryCodes(TypedDict):
    recovery_codes: Annotated[
        list[str], Field(description="Shown this once.", examples=[["mfrg-gzdf-mztw-q2lk-nnwg-23tp"]])
    ]


def totp_set_up(secret: str, uri: str) -> TotpSetUp:
    return {"secret": secret, "otpauth_uri": uri, "qr_svg": qr_svg(uri)}


def recovery_codes(codes: list[str]) -> RecoveryCodes:
    return {"recovery_codes": codes}
