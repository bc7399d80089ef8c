"""Drafts of clients: from the options of a command, or from a table of a TOML file. Presets fill the gaps."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from oauth.clients import presets
from oauth.clients.definition import STANDARD_SCOPES, Definition
from oauth.clients.errors import ClientInvalid

_LISTS = frozenset({"redirect_uris", "post_logout_uris", "scopes", "resources"})
_FLAGS = frozenset({"trusted", "claims_in_id_token", "takes_unverified", "require_factor"})
_PARTS = tuple(each.name for each in fields(Definition))


def draft(name: str, values: Mapping[str, Any], id_token_alg: str) -> Definition:
    """Return a client of these parts, not yet checked. `name` is used where `values` has none.

    Raises `ClientInvalid` for an unknown part, a part of another type, and an unknown preset.
    """
    _check_types(values)
    preset = presets.find(values["preset"]) if values.get("preset") else None
    found: dict[str, Any] = {"name": name, "id_token_alg": id_token_alg, "scopes": STANDARD_SCOPES}
    if preset:
        found |= {"scopes": preset.scopes, "pkce": preset.pkce}
    found |= {part: tuple(value) if part in _LISTS else value for part, value in values.items()}
    if preset:
        given = found.get("redirect_uris", ())
        found["redirect_uris"] = tuple(presets.addresses(preset, given, found.get("uri")))
        if preset.post_logout_path and found.get("uri") and "post_logout_uris" not in found:
            found["post_logout_uris"] = (found["uri"].rstrip("/") + preset.post_logout_path,)
    return Definition(**found)


def default_scopes(preset: str | None) -> tuple[str, ...]:
    """Return the scopes that a client gets when none are named. Raises `ClientInvalid`."""
    return tuple(presets.find(preset).scopes) if preset else STANDARD_SCOPES


def _check_types(values: Mapping[str, Any]) -> None:
    unknown = [part for part in values if part not in _PARTS]
    if unknown:
        raise ClientInvalid(f"A client has an unknown part. The parts are {', '.join(_PARTS)}.")
    faults = {}
    for part, value in values.items():
        if part in _LISTS:
            is_list = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
            if not is_list:
                faults[part] = "must be a list of texts"
        elif part in _FLAGS:
            if not isinstance(value, bool):
                faults[part] = "must be true or false"
        elif value is not None and not isinstance(value, str):
            faults[part] = "must be a text"
    if faults:
        raise ClientInvalid(fields=faults)
