"""Configuration of applications, with the issuer and the client filled in: files in `snippets/`."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

from oauth.clients import presets
from oauth.clients.authentication import PUBLIC_KINDS
from oauth.clients.definition import Definition
from oauth.clients.errors import ClientInvalid
from utils.web import redirect_uris

_FOLDER = Path(__file__).parent / "snippets"
SECRET_ABSENT = "(the secret, which `clients add` printed)"
PUBLIC = "(none: a public client)"


@cache
def names() -> tuple[str, ...]:
    """Return what `--for` takes."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.txt")))


def usual(definition: Definition) -> str:
    """Return the snippet that suits a client: of its preset, or of its kind."""
    preset = presets.PRESETS.get(definition.preset or "")
    if preset is not None:
        return preset.snippet
    return "spa" if definition.kind == "spa" else "generic"


def text(issuer: str, client_id: str, definition: Definition, name: str, secret: str | None = None) -> str:
    """Return a snippet. Without the secret it says where that was printed. Raises `ClientInvalid`."""
    if name not in names():
        raise ClientInvalid(fields={"snippet": f"must be one of {', '.join(names())}"})
    raw = (_FOLDER / f"{name}.txt").read_text("utf-8").rstrip("\n")
    values = _values(issuer, client_id, definition, secret)
    return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], raw)


def _values(issuer: str, client_id: str, definition: Definition, secret: str | None) -> dict[str, str]:
    redirect = next(iter(definition.redirect_uris), "")
    parts = urlsplit(redirect)
    provider = re.search(r"/callback/([\w-]+)\Z", parts.path)  # as Auth.js makes its redirect addresses
    asked = [scope for scope in definition.scopes if scope != "offline_access" or definition.preset]
    is_public = definition.kind in PUBLIC_KINDS
    insecure = "" if issuer.startswith("https:") else "{ execute: [client.allowInsecureRequests] },"
    basic, named = '-u "$CLIENT:$SECRET" ', '-d "client_id=$CLIENT" '
    origin = f"{parts.scheme}://{redirect_uris.host_of(redirect)}"
    return {
        "ISSUER": issuer,
        "ID": client_id,
        "PROVIDER": provider[1] if provider else "auth",
        "NAME": re.sub(r"[\"'`\\$]", "", definition.name),
        "SECRET": PUBLIC if is_public else secret or SECRET_ABSENT,
        "REDIRECT": redirect,
        "REDIRECT_ENCODED": quote(redirect, safe=""),
        "ORIGIN": origin,
        "POST_LOGOUT": next(iter(definition.post_logout_uris), f"{origin}/"),
        "PATH": parts.path or "/",
        "SCOPE": " ".join(asked),
        "SCOPE_ENCODED": "+".join(asked),
        "SCOPE_LIST": ", ".join(f'"{scope}"' for scope in asked),
        "ALG": definition.id_token_alg,
        "INSECURE": insecure,
        "CURL_AUTH": named if is_public else basic,
    }
