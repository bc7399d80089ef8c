"""The signing keys in answers and in the text of commands."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from auth.mailing.messages import moment_text
from auth.outputs import optional_moment
from oauth.keys.listing import Listed
from oauth.keys.rotation import Planned


class Jwk(TypedDict, total=False):
    """A public key (RFC 7517): of RSA with `n` and `e`, of P-256 with `crv`, `x` and `y`."""

    kty: Annotated[str, Field(examples=["EC"])]
    use: Annotated[str, Field(examples=["sig"])]
    alg: Annotated[str, Field(examples=["ES256"])]
    kid: Annotated[str, Field(examples=["NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"])]
    n: str
    e: str
    crv: str
    x: str
    y: str


_EXAMPLE = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "use": "sig",
    "alg": "ES256",
    "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
}


class Jwks(TypedDict):
    """The public keys of this service."""

    keys: Annotated[list[Jwk], Field(examples=[[_EXAMPLE]])]


def signing_key(listed: Listed) -> dict[str, Any]:
    """Return a key for `--json`. Its private part is never shown."""
    key = listed.key
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": listed.state,
        "created_at": optional_moment(key.created_at),
        "signs_from": optional_moment(key.signs_from),
        "signs_until": optional_moment(key.signs_until),
        "published_until": optional_moment(key.published_until),
        "leaked_at": optional_moment(key.leaked_at),
    }


def line(listed: Listed) -> str:
    """Return a key as a line of text."""
    key = listed.key
    times = {
        "next": f"signs from {moment_text(key.signs_from)}",
        "present": f"signs until {moment_text(key.signs_until)}",
        "former": f"published until {moment_text(key.published_until)}",
        "leaked": f"out of use since {moment_text(key.leaked_at or key.published_until)}",
    }
    return f"{key.kid}  {key.alg}  {listed.state:<7}  {times[listed.state]}"


def planned(each: Planned) -> dict[str, Any]:
    """Return a planned key for `--json`."""
    return {"kid": each.kid, "alg": each.alg, "signs_from": optional_moment(each.signs_from)}


def planned_line(each: Planned) -> str:
    """Return a planned key as a line of text."""
    return f"{each.alg}: {each.kid} signs from {moment_text(each.signs_from)}"
