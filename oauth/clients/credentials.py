"""The credentials in a call of a client (RFC 6749, 2.3.1): read, not yet checked."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from oauth.stores.clients import is_client_id
from utils.web.forms import Parameters

_BASIC = re.compile(r"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]+={0,2})")
_ENCODED = re.compile(r"(?:[^%\x00-\x1f\x7f]|%[0-9A-Fa-f]{2})*")
MAX_HEADER = 4096  # characters


class Basic(NamedTuple):
    """Id and secret of a Basic header. The secret is empty if the client has none."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials of a call. `secret` is None for a client that names itself only."""

    client_id: str
    secret: str | None
    by_header: bool
    fault: str = ""  # twice, malformed or unsupported; the id is as good as could be read


def read(authorization: str | None, form: Parameters) -> Presented:
    """Return the credentials of a call, by header, in the form, or the id alone. Never raises."""
    named, secret = form.get("client_id"), form.get("client_secret")
    if authorization is None:
        fault = ""
        if form.get("client_assertion") or form.get("client_assertion_type"):
            fault = "unsupported"
        if form.repeated & {"client_id", "client_secret"}:
            fault = "twice"
        return Presented(_id(named), secret, by_header=False, fault=fault)
    basic = read_basic(authorization)
    if basic is None:
        return Presented(_id(named), None, by_header=True, fault="malformed")
    is_twice = secret is not None or bool(form.get("client_assertion"))
    differs = named is not None and named != basic.client_id
    repeated = form.repeated & {"client_id", "client_secret"}
    fault = "twice" if is_twice or differs or repeated else ""
    return Presented(_id(basic.client_id), basic.secret or None, by_header=True, fault=fault)


def read_basic(header: str) -> Basic | None:
    """Return id and secret of an Authorization header, each form-urlencoded inside, or None."""
    found = _BASIC.fullmatch(header) if len(header) <= MAX_HEADER else None
    if found is None:
        return None
    try:
        pair = base64.b64decode(found[1], validate=True).decode("utf-8")
    except (binascii.Error, ValueError):  # includes UnicodeDecodeError
        return None
    name, colon, secret = pair.partition(":")
    client_id, password = _decoded(name), _decoded(secret)
    if not colon or not client_id or password is None:
        return None
    return Basic(client_id, password)


def _decoded(text: str) -> str | None:
    """Return a form-urlencoded value decoded, or None if it is malformed."""
    if not _ENCODED.fullmatch(text):
        return None
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _id(text: str | None) -> str:
    """Return an id that a client can have, or an empty text, which none has."""
    return text if text and is_client_id(text) else ""
