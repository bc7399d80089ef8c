"""The answers about second factors."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.outputs import Moment
from models import Passkey, iso
from utils.crypto.totp import qr_svg


class TotpState(TypedDict):
    enabled_since: Moment | None


class TotpSetUp(TypedDict):
    secret: Annotated[str, Field(description="For typing, in base32.", examples=["GEZDGNBVGY3TQOJQ..."])]
    otpauth_uri: Annotated[str, Field(examples=["otpauth://totp/AxiomTech:ada%40example.com?secret=..."])]
    qr_svg: Annotated[str, Field(description="The URI as a QR code.", examples=["<svg ..."])]


class Reset(TypedDict):
    factors_reset_at: Moment | None


class RecoveryCodes(TypedDict):
    recovery_codes: Annotated[
        list[str], Field(description="Shown this once.", examples=[["mfrg-gzdf-mztw-q2lk-nnwg-23tp"]])
    ]


class PasskeyFields(TypedDict):
    id: Annotated[
        str, Field(json_schema_extra={"format": "uuid"}, examples=["0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11"])
    ]
    name: Annotated[str, Field(examples=["Phone"])]
    created_at: Moment
    last_used_at: Moment | None
    backed_up: Annotated[bool, Field(description="Whether it is kept with its maker and on other devices.")]


class Passkeys(TypedDict):
    passkeys: list[PasskeyFields]


class PasskeyOptions(TypedDict):
    public_key: Annotated[
        dict[str, Any], Field(description="For the browser.", examples=[{"challenge": "..."}])
    ]


class AddedPasskey(TypedDict):
    passkey: PasskeyFields
    recovery_codes: Annotated[
        list[str] | None, Field(description="With the account's first factor; shown this once.")
    ]


def passkey(row: Passkey) -> PasskeyFields:
    return {
        "id": str(row.id),
        "name": row.name,
        "created_at": iso(row.created_at),
        "last_used_at": iso(row.last_used_at) if row.last_used_at else None,
        "backed_up": row.backed_up,
    }


def passkeys(rows: Iterable[Passkey]) -> Passkeys:
    return {"passkeys": [passkey(row) for row in rows]}


def options(public_key: dict[str, Any]) -> PasskeyOptions:
    return {"public_key": public_key}


def added_passkey(row: Passkey, codes: list[str] | None) -> AddedPasskey:
    return {"passkey": passkey(row), "recovery_codes": codes}


def totp_state(since: datetime | None) -> TotpState:
    return {"enabled_since": iso(since) if since else None}


def totp_set_up(secret: str, uri: str) -> TotpSetUp:
    return {"secret": secret, "otpauth_uri": uri, "qr_svg": qr_svg(uri)}


def recovery_codes(codes: list[str]) -> RecoveryCodes:
    return {"recovery_codes": codes}


def reset(due: datetime | None) -> Reset:
    return {"factors_reset_at": iso(due) if due else None}
