"""What a client is: the rules for each part, and a draft checked by them. Pure: no SQL, no clock."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from oauth.clients.authentication import PUBLIC_KINDS
from oauth.clients.errors import ClientInvalid
from oauth.stores.clients import is_client_id
from utils.permissions import is_of_service, is_permission
from utils.web import redirect_uris

MAX_NAME = 80
MAX_ADDRESSES = 20  # of each kind
STANDARD_SCOPES = ("openid", "profile", "email", "offline_access")
SCOPES = (*STANDARD_SCOPES, "roles")
KINDS = ("web", "spa", "native")
ALGORITHMS = ("RS256", "ES256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A client as an operator describes it. `resources` are identifiers; the first one is the default."""

    name: str
    kind: str = "web"
    preset: str | None = None
    uri: str | None = None
    policy_uri: str | None = None
    terms_uri: str | None = None
    redirect_uris: Sequence[str] = field(default=())
    post_logout_uris: Sequence[str] = field(default=())
    backchannel_uri: str | None = None
    scopes: Sequence[str] = STANDARD_SCOPES
    pkce: str = "required"
    trusted: bool = False
    id_token_alg: str = "RS256"
    claims_in_id_token: bool = True
    takes_unverified: bool = False
    require_factor: bool = False
    required_permission: str | None = None
    resources: Sequence[str] = field(default=())

    @property
    def columns(self) -> dict[str, Any]:
        """Return the values of the columns of `oauth_clients`."""
        found = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "resources"}
        return found | {name: list(value) for name, value in found.items() if isinstance(value, tuple)}


def client_id_of(name: str) -> str:
    """Return the id that a client of this name gets, as `my-app` of `My App`. Raises `ClientInvalid`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:64].rstrip("-._")
    if not slug:
        raise ClientInvalid(fields={"name": "has no letter or digit for an id; give one with --id"})
    return slug


def checked_id(text: str) -> str:
    """Return a client id. Raises `ClientInvalid`."""
    if not is_client_id(text):
        raise ClientInvalid(
            fields={"id": "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with one of the first"}
        )
    return text


def checked(definition: Definition, *, plain_backchannel: bool = False) -> Definition:
    """Return the definition in its stored form. Raises `ClientInvalid` with every faulty part by name.

    With `plain_backchannel` the back-channel address may be http.
    """
    faults: dict[str, str] = {}
    found: dict[str, Any] = {}
    native = definition.kind == "native"
    redirect = partial(redirect_uris.redirect_uri, native=native)
    for name, check in _checks(redirect, plain=plain_backchannel).items():
        try:
            found[name] = check(getattr(definition, name))
        except ValueError as fault:
            faults[name] = str(fault)
    faults |= {name: said for name, said in _combined(definition) if name not in faults}
    if faults:
        raise ClientInvalid(fields=faults)
    values = {each.name: getattr(definition, each.name) for each in fields(definition)}
    return Definition(**(values | found))


def _checks(redirect: Callable[[str], str], *, plain: bool) -> Mapping[str, Callable[[Any], Any]]:
    return {
        "name": shown_name,
        "kind": _one_of(KINDS),
        "uri": _optional(redirect_uris.page_uri),
        "policy_uri": _optional(redirect_uris.document_uri),
        "terms_uri": _optional(redirect_uris.document_uri),
        "redirect_uris": _each(redirect),
        "post_logout_uris": _each(redirect),
        "backchannel_uri": _optional(partial(redirect_uris.backchannel_uri, plain=plain)),
        "scopes": _scopes,
        "pkce": _one_of(("required", "optional")),
        "id_token_alg": _one_of(ALGORITHMS),
        "required_permission": _optional(_permission),
        "resources": _each(redirect_uris.resource_uri),
    }


def _combined(definition: Definition) -> Iterable[tuple[str, str]]:
    """Yield faults that concern two parts."""
    if not definition.redirect_uris:
        yield "redirect_uris", "is missing: give --redirect, the address that the browser is sent back to"
    if definition.kind in PUBLIC_KINDS and definition.pkce != "required":
        yield "pkce", "can be optional for confidential clients only: a public one has nothing else"
    if definition.trusted and definition.kind == "native":
        yield "trusted", "cannot be a native client: another program can pass for it (RFC 8252, 8.6)"


def shown_name(text: str) -> str:
    """Return a name that people are shown. Raises `ValueError`."""
    name = unicodedata.normalize("NFC", text).strip()
    is_plain = all(unicodedata.category(c)[0] not in {"C", "Z"} or c == " " for c in name)
    if not name or len(name) > MAX_NAME or not is_plain:
        raise ValueError(f"must be 1 to {MAX_NAME} characters of one line")
    return name


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return check


def _optional(check: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else check(text)


def _each(check: Callable[[str], str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Check every text of a list; a fault names its place."""

    def checked_list(texts: Sequence[str]) -> tuple[str, ...]:
        if len(texts) > MAX_ADDRESSES:
            raise ValueError(f"must be at most {MAX_ADDRESSES}")
        found = []
        for place, text in enumerate(texts, 1):
            try:
                found.append(check(text))
            except ValueError as fault:
                which = f"number {place} " if len(texts) > 1 else ""
                raise ValueError(f"{which}{fault}") from None
        return tuple(dict.fromkeys(found))

    return checked_list


def _scopes(names: Sequence[str]) -> tuple[str, ...]:
    if not set(names) <= set(SCOPES):
        raise ValueError(f"must be of {', '.join(SCOPES)}; scopes of a resource come with --resource")
    return tuple(name for name in SCOPES if name in {*names, "openid"})


def _permission(text: str) -> str:
    if not is_permission(text):
        raise ValueError("must have the form thing:verb, in lower case")
    if is_of_service(text):
        raise ValueError("must not be a permission of this service (auth:)")
    return text
