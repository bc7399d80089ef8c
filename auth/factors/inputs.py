"""The request bodies about second factors."""

from typing import Any

from pydantic import ConfigDict

from auth.fields import Code, Label
from utils.web.validation import Body


class NewPasskey(Body):
    """`POST /auth/passkeys`: what `navigator.credentials.create` gave, as JSON."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"credential": {"id": "..."}, "name": "Phone"}]}
    )

    credential: dict[str, Any]
    name: Label = "Passkey"
    end_other_sessions: bool = True


class PasskeyName(Body):
    """`PATCH /auth/passkeys/<id>`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Phone"}]})

    name: Label


class Confirmation(Body):
    """`POST /auth/totp/confirm`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "287082"}]})

    code: Code
    end_other_sessions: bool = True


class SecondFactor(Body):
    """`DELETE /auth/totp`, `POST /auth/recovery-codes`: a code, a recovery code, or a passkey in its place.

    A passkey answers what `POST /auth/reauth/options` gave.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "287082"}, {"recovery_code": "mfrg-gzdf-mztw-q2lk-nnwg-23tp"}]
        }
    )

    code: Code | None = None
    recovery_code: Code | None = None
    passkey: dict[str, Any] | None = None

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        return [] if data.keys() & {"code", "recovery_code", "passkey"} else ["code"]
