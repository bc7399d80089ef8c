"""Presets: what applications of others need, by the name that `--preset` takes.

`pkce` is optional only where an application cannot do it. Paths are below the address of the application.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oauth.clients.definition import STANDARD_SCOPES
from oauth.clients.errors import ClientInvalid

_WITH_ROLES = (*STANDARD_SCOPES, "roles")
_LOGIN = ("openid", "profile", "email")


class Preset(NamedTuple):
    """What an application needs. `redirect_paths` are appended to the address of the application."""

    title: str
    redirect_paths: Sequence[str]
    scopes: Sequence[str] = _LOGIN
    pkce: str = "required"
    post_logout_path: str | None = None
    snippet: str = "generic"


PRESETS: Mapping[str, Preset] = {
    "apache": Preset("Apache", ("/oauth2callback",), snippet="apache"),
    "django": Preset("Django", ("/oidc/callback/",), post_logout_path="/", snippet="django"),
    "forgejo": Preset("Forgejo", ("/user/oauth2/auth/callback",), pkce="optional", snippet="gitea"),
    "gitea": Preset("Gitea", ("/user/oauth2/auth/callback",), pkce="optional", snippet="gitea"),
    "gitlab": Preset("GitLab", ("/users/auth/openid_connect/callback",), snippet="gitlab"),
    "grafana": Preset(
        "Grafana", ("/login/generic_oauth",), _WITH_ROLES, post_logout_path="/login", snippet="grafana"
    ),
    "immich": Preset(
        "Immich", ("/auth/login", "/user-settings", "/api/oauth/mobile-redirect"), snippet="immich"
    ),
    "jupyterhub": Preset("JupyterHub", ("/hub/oauth_callback",), snippet="jupyterhub"),
    "miniflux": Preset("Miniflux", ("/oauth2/oidc/callback",), snippet="miniflux"),
    "nextcloud": Preset("Nextcloud", ("/apps/user_oidc/code",), (*_LOGIN, "roles"), snippet="nextcloud"),
    "nextjs": Preset("Next.js", ("/api/auth/callback/auth",), post_logout_path="/", snippet="nextjs"),
    "oauth2-proxy": Preset("oauth2-proxy", ("/oauth2/callback",), STANDARD_SCOPES, snippet="oauth2-proxy"),
    "open-webui": Preset("Open WebUI", ("/oauth/oidc/callback",), snippet="open-webui"),
    "pgadmin": Preset("pgAdmin", ("/oauth2/authorize",), snippet="pgadmin"),
    "streamlit": Preset("Streamlit", ("/oauth2callback",), snippet="streamlit"),
    "vaultwarden": Preset(
        "Vaultwarden", ("/identity/connect/oidc-signin",), STANDARD_SCOPES, snippet="vaultwarden"
    ),
}


def find(name: str) -> Preset:
    """Return a preset. Raises `ClientInvalid`."""
    if name not in PRESETS:
        raise ClientInvalid(fields={"preset": f"must be one of {', '.join(PRESETS)}"})
    return PRESETS[name]


def addresses(preset: Preset, given: Sequence[str], uri: str | None) -> list[str]:
    """Return the redirect addresses: those given, where a bare host gets the preset's paths.

    Without any, they are those below the address of the application.
    """
    found = []
    for each in given or ([uri] if uri else []):
        _scheme, separator, rest = each.partition("://")
        is_base = bool(separator) and ("/" not in rest.rstrip("/") or not given)
        paths = preset.redirect_paths if is_base else [""]
        found += [f"{each.rstrip('/')}{path}" if path else each for path in paths]
    return list(dict.fromkeys(found))
