"""Settings: one frozen, typed object, read from the environment at start.

A config class per environment has the defaults, under Flask's upper-case names. The environment and `.env`
override them, except in `testing`. One message names all faults, and the service does not start.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import config_brand as brand
import config_values as values
from config_checks import PAGES, combination_faults
from config_returns import cookie_domain, return_origins

DAY = 24 * 60 * 60
MAX_ACCESS_TOKEN_LIFETIME = 3600  # seconds, of `oauth_access_token_lifetime`
is_loopback = values.is_loopback


class ConfigurationError(SystemExit):
    """Invalid settings: exits with code 1 and a message that names all faults, without a traceback."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"The configuration is invalid:\n{lines}")


class Config:
    """Defaults of all environments. Other settings have their default in `Settings`."""

    FLASK_ENV: ClassVar[str] = "development"
    SECRET_KEY: ClassVar[str | None] = None
    JWT_SECRET_KEY: ClassVar[str | None] = None
    SQLALCHEMY_DATABASE_URI: ClassVar[str] = "sqlite:///auth.db"
    JWT_ACCESS_TOKEN_EXPIRES: ClassVar[int] = 3600
    TRUSTED_PROXIES: ClassVar[int | None] = 0
    TESTING: ClassVar[bool] = False


class DevelopmentConfig(Config):
    """SQLite under `instance/`, loopback only, random secrets generated at the first start."""


class ProductionConfig(Config):
    """No unsafe defaults: `config_checks.py` has the conditions under which it refuses to start."""

    FLASK_ENV = "production"
    TRUSTED_PROXIES = None  # a wrong default would make all callers share one address and its limits


class TestingConfig(Config):
    """In-memory SQLite and a fast hash. Ignores the environment and `.env`."""

    __test__ = False  # not a test class of pytest
    FLASK_ENV = "testing"
    TESTING = True
    SECRET_KEY = "testing-only: everything but access tokens is signed with this"
    JWT_SECRET_KEY = "testing-only: access tokens are signed with this, and only this"
    SQLALCHEMY_DATABASE_URI = "sqlite:///:memory:"
    PASSWORD_HASH_METHOD: ClassVar[str] = "scrypt:256:8:1"
    PASSWORD_BLOCKLIST: ClassVar[bool] = False
    RATE_LIMIT_ENABLED: ClassVar[bool] = False
    HASH_CONCURRENCY: ClassVar[int] = 256


config_by_name: dict[str, type[Config]] = {
    "development": DevelopmentConfig,
    "production": ProductionConfig,
    "testing": TestingConfig,
    "default": DevelopmentConfig,
}

# Settings whose names differ between the environment and the config classes (Flask's names).
_CLASS_NAMES = {"FLASK_SECRET_KEY": "SECRET_KEY", "DATABASE_URI": "SQLALCHEMY_DATABASE_URI"}


def _setting(parse: Callable[[str], Any], default: Any = None, *, secret: bool = False) -> Any:
    """Return a field of `Settings`. Without a default it is optional, derived, or required."""
    return field(metadata={"parse": parse, "default": default, "secret": secret}, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Field `x` is environment variable `X`. Durations are in seconds."""

    flask_env: str = _setting(str)
    flask_secret_key: str = _setting(values.secret, secret=True)
    flask_previous_secret_keys: tuple[str, ...] = _setting(values.secrets, (), secret=True)
    jwt_secret_key: str = _setting(values.secret, secret=True)
    jwt_previous_secret_keys: tuple[str, ...] = _setting(values.secrets, (), secret=True)
    jwt_access_token_expires: int = _setting(values.whole_number(1, DAY), 3600)
    jwt_issuer: str = _setting(str)
    jwt_audience: str = _setting(str)
    database_uri: str = _setting(values.database_uri, secret=True)
    host: str = _setting(str, "127.0.0.1")
    port: int = _setting(values.whole_number(0, 65535), 8000)
    web_concurrency: int = _setting(values.whole_number(1, 64), 1)
    public_url: str = _setting(values.origin)
    trusted_proxies: int = _setting(values.whole_number(0, 10))
    client_address_header: str = _setting(values.header_name, "X-Forwarded-For")
    brand_name: str = _setting(values.one_line, "AxiomTech")
    brand_color: str | None = _setting(brand.color)
    brand_logo: brand.Image | None = _setting(brand.logo)  # noqa: RUF009  (ruff does not know the type)
    brand_logo_dark: brand.Image | None = _setting(brand.logo)  # noqa: RUF009
    default_language: str = _setting(values.short_word, "en")
    pages_enabled: bool = _setting(values.boolean, True)
    ui_contrast_default: str = _setting(values.one_of("seed", "more"), "seed")
    ui_scheme_default: str = _setting(values.one_of("light", "auto"), "light")
    confirm_password_field: bool = _setting(values.boolean, True)
    terms_version: str = _setting(values.short_word, "1")
    docs_enabled: bool = _setting(values.boolean)
    flask_sessions: bool = _setting(values.boolean, False)
    app_modules: tuple[str, ...] = _setting(values.words, ())
    cors_origins: tuple[str, ...] = _setting(values.origins, ())
    return_origins: tuple[str, ...] = _setting(return_origins, ())
    verify_cookie: str | None = _setting(cookie_domain)
    redis_url: str | None = _setting(values.redis_url, secret=True)
    rate_limit_enabled: bool = _setting(values.boolean, True)
    registration_ceiling: int = _setting(values.whole_number(0, 1_000_000), 0)
    unproven_mail_ceiling: int = _setting(values.whole_number(0, 1_000_000), 0)
    proof_of_work: bool = _setting(values.boolean, False)
    challenge_url: str | None = _setting(values.challenge_url)
    challenge_secret: str | None = _setting(values.one_line, secret=True)
    metrics_token: str | None = _setting(values.bearer_key, secret=True)
    mail_url: str | None = _setting(values.mail_url, secret=True)
    mail_from: str = _setting(values.mail_address)
    link_verify: str = _setting(values.page)
    link_reject: str = _setting(values.page)
    link_reset: str = _setting(values.page)
    link_undo: str = _setting(values.page)
    link_restore: str = _setting(values.page)
    link_disown: str = _setting(values.page)
    link_authorize: str = _setting(values.page)
    require_verified_email: bool = _setting(values.boolean)
    hide_account_existence: bool = _setting(values.boolean, False)
    password_min_length: int = _setting(values.whole_number(8, 64), 8)
    password_blocklist: bool = _setting(values.boolean, True)
    password_context_words: tuple[str, ...] = _setting(values.words, ())
    leaked_passwords_url: str | None = _setting(values.range_url)
    require_second_factor: bool = _setting(values.boolean, False)
    admin_require_second_factor: bool = _setting(values.boolean)
    new_account_roles: tuple[str, ...] = _setting(values.role_names, ())
    api_tokens_enabled: bool = _setting(values.boolean, True)
    api_token_max_days: int = _setting(values.whole_number(1, 365), 365)
    oauth_provider: bool = _setting(values.boolean, True)
    oauth_access_token_lifetime: int = _setting(values.whole_number(60, MAX_ACCESS_TOKEN_LIFETIME), 600)
    oauth_idle_lifetime: int = _setting(values.whole_number(60, 365 * DAY), 30 * DAY)
    oauth_absolute_lifetime: int = _setting(values.whole_number(60, 365 * DAY), 90 * DAY)
    oauth_private_networks: tuple[str, ...] = _setting(values.networks, ())
    id_token_alg: str = _setting(values.one_of("RS256", "ES256"), "RS256")
    signing_key_lifetime: int = _setting(values.whole_number(7 * DAY, 3650 * DAY), 90 * DAY)
    totp_previous_steps: int = _setting(values.whole_number(0, 1), 1)
    hash_concurrency: int = _setting(values.whole_number(1, 256))
    password_hash_method: str = _setting(values.hash_method, "scrypt:32768:8:3")
    session_idle_lifetime: int = _setting(values.whole_number(60, 365 * DAY), DAY // 2)
    session_absolute_lifetime: int = _setting(values.whole_number(60, 365 * DAY), DAY)
    remembered_idle_lifetime: int = _setting(values.whole_number(60, 365 * DAY), 30 * DAY)
    remembered_absolute_lifetime: int = _setting(values.whole_number(60, 365 * DAY), 90 * DAY)
    ended_session_retention: int = _setting(values.whole_number(0, 3650 * DAY), 30 * DAY)
    unconfirmed_account_lifetime: int = _setting(values.whole_number(0, 365 * DAY), 7 * DAY)
    audit_retention: int = _setting(values.whole_number(0, 3650 * DAY), 365 * DAY)

    @property
    def production(self) -> bool:
        return self.flask_env == "production"

    @property
    def testing(self) -> bool:
        return self.flask_env == "testing"

    @property
    def has_idle_challenge(self) -> bool:
        """Whether a challenge is set that no ceiling asks for."""
        ceiling = self.registration_ceiling or self.unproven_mail_ceiling
        return bool(self.proof_of_work or self.challenge_url) and not (ceiling and self.rate_limit_enabled)

    @classmethod
    def load(
        cls, config: type[Config], environ: Mapping[str, str], fallback: Mapping[str, str] | None = None
    ) -> Self:
        """Return the settings from `environ`, else from `config`, else from `fallback` or the default.

        Raises `ConfigurationError`, which names all faults and quotes no secret.
        """
        faults: list[str] = []
        found: dict[str, Any] = {}
        for entry in fields(cls):
            name = entry.name.upper()
            given = _text_of(name, environ, entry.metadata["secret"], faults)
            in_class = getattr(config, _CLASS_NAMES.get(name, name), None)
            if name == "FLASK_ENV":
                given, in_class = None, config.FLASK_ENV
            if given is None and in_class is None and fallback:
                given = fallback.get(name)
            try:
                if given is not None:
                    found[entry.name] = entry.metadata["parse"](given)
                elif in_class is not None:
                    found[entry.name] = in_class
                else:
                    found[entry.name] = entry.metadata["default"]
            except ValueError as problem:
                faults.append(f"{name} {problem}.")
                found[entry.name] = None
        faults += _missing_faults(found, faults)
        settings = cls(**_with_derived_defaults(found))
        faults += combination_faults(
            {entry.name: getattr(settings, entry.name) for entry in fields(settings)},
            environ,
            PAGES,
            faults,
        )
        if faults:
            hints = misspelt(environ).items()
            faults += [f"{given} is not a setting. Did you mean {meant}?" for given, meant in hints]
            raise ConfigurationError(faults)
        return settings


_REQUIRED = {
    "flask_secret_key": "is missing.",
    "jwt_secret_key": "is missing.",
    "trusted_proxies": "must be set: 0 without a proxy, 1 behind one proxy.",
}


def environment_name(environ: Mapping[str, str]) -> str:
    """Return the name in `FLASK_ENV`, by default development. Raises `ConfigurationError` if unknown."""
    name = environ.get("FLASK_ENV") or "default"
    if name not in config_by_name:
        names = ", ".join(name for name in config_by_name if name != "default")
        raise ConfigurationError([f"FLASK_ENV must be one of {names}."])
    return name


def _text_of(name: str, environ: Mapping[str, str], secret: bool, faults: list[str]) -> str | None:
    """Return the text of a setting, or None. Secrets may be in the file that `NAME_FILE` names."""
    text, file = environ.get(name), environ.get(f"{name}_FILE") if secret else None
    if text and file:
        faults.append(f"{name} and {name}_FILE are both set; set one of them.")
    elif file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            faults.append(f"{name}_FILE cannot be read ({type(problem).__name__}).")
    return text or None


def _missing_faults(found: Mapping[str, Any], faults: list[str]) -> list[str]:
    missing = {name.upper(): text for name, text in _REQUIRED.items() if found[name] is None}
    return [f"{name} {text}" for name, text in missing.items() if not any(f.startswith(name) for f in faults)]


def _with_derived_defaults(found: dict[str, Any]) -> dict[str, Any]:
    """Set the defaults that depend on other settings."""
    production = found["flask_env"] == "production"
    if found["public_url"] is None:
        found["public_url"] = "" if production else f"http://localhost:{found['port']}"
    if found["hash_concurrency"] is None:
        found["hash_concurrency"] = max(1, (os.cpu_count() or 1) // (found["web_concurrency"] or 1))
    if found["admin_require_second_factor"] is None:
        found["admin_require_second_factor"] = production
    if found["docs_enabled"] is None:
        found["docs_enabled"] = not production
    for name in ("jwt_issuer", "jwt_audience"):
        found[name] = found[name] or found["public_url"]
    if found["require_verified_email"] is None:
        found["require_verified_email"] = bool(found["hide_account_existence"])
    if found["mail_url"] is None and found["flask_env"] == "development":
        found["mail_url"] = "file:instance/mail"
    host = urlsplit(found["public_url"]).hostname or "localhost"
    found["mail_from"] = found["mail_from"] or f"no-reply@{f'[{host}]' if ':' in host else host}"
    for name, path in PAGES.items():
        found[name] = found[name] or f"{found['public_url']}{path}"
    return found


def environment() -> dict[str, str]:
    """Return the environment variables, and those of `.env` in the working directory that are not set."""
    from dotenv import dotenv_values  # noqa: PLC0415  (testing does not read .env)

    return {k: v for k, v in dotenv_values(".env").items() if v is not None} | dict(os.environ)


def misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables that are not settings but resemble one, with the similar setting."""
    known = [n for f in fields(Settings) for n in (f.name.upper(), f"{f.name.upper()}_FILE")]
    close = {name: get_close_matches(name, known, 1, cutoff=0.83) for name in environ if name not in known}
    return {name: found[0] for name, found in sorted(close.items()) if found}
