"""Conditions over all settings: combinations that are refused, and those that production refuses."""

from collections.abc import Collection, Mapping
from typing import Any

from config_returns import return_faults
from config_values import is_in_memory, is_loopback

TWO_DAYS = 2 * 24 * 60 * 60
HIDING_NEEDS_VERIFIED = (
    "HIDE_ACCOUNT_EXISTENCE requires REQUIRE_VERIFIED_EMAIL: otherwise a login shows which addresses are new."
)
LIFETIME_TOO_SHORT = "UNCONFIRMED_ACCOUNT_LIFETIME must be 0, for no end, or at least 172800 (two days)."
LOOPBACK_ONLY = "HOST must be a loopback address unless FLASK_ENV=production."

# Default paths of the pages of mailed links, and of the page of the provider.
PAGES = {
    "link_verify": "/verify-email",
    "link_reject": "/reject",
    "link_reset": "/reset",
    "link_undo": "/undo-email-change",
    "link_restore": "/restore",
    "link_disown": "/disown",
    "link_authorize": "/oauth/authorize",
}


def combination_faults(
    settings: Mapping[str, Any], environ: Mapping[str, str], pages: Collection[str], known: Collection[str]
) -> list[str]:
    """Return the faults of combinations of settings; `known` are those of single ones, whose value is None.

    `pages` are the settings of pages.
    """
    faults = []
    if settings["hide_account_existence"] and not settings["require_verified_email"]:
        faults.append(HIDING_NEEDS_VERIFIED)
    is_readable = not any(fault.startswith("CHALLENGE_") for fault in known)
    if is_readable and bool(settings["challenge_url"]) != bool(settings["challenge_secret"]):
        faults.append("CHALLENGE_URL and CHALLENGE_SECRET must be set together.")
    if settings["challenge_url"] and settings["proof_of_work"]:
        faults.append("PROOF_OF_WORK and CHALLENGE_URL are both set; choose one kind of challenge.")
    is_readable = not any(fault.startswith("BRAND_LOGO ") for fault in known)
    if is_readable and settings["brand_logo_dark"] and not settings["brand_logo"]:
        faults.append("BRAND_LOGO_DARK requires BRAND_LOGO.")
    if 0 < (settings["unconfirmed_account_lifetime"] or 0) < TWO_DAYS:
        faults.append(LIFETIME_TOO_SHORT)
    faults += return_faults(settings)
    if settings["flask_env"] == "production":
        faults += production_faults(settings, environ, pages)
    elif settings["flask_env"] == "development" and not is_loopback(settings["host"]):
        faults.append(LOOPBACK_ONLY)
    return faults


def production_faults(
    settings: Mapping[str, Any], environ: Mapping[str, str], pages: Collection[str]
) -> list[str]:
    """Return why production refuses to start. A value is None if it is missing or could not be read.

    `pages` are the settings of pages.
    """
    faults = []
    keys = {name: settings[name] for name in ("flask_secret_key", "jwt_secret_key")}
    previous = {
        name: settings[name] or () for name in ("flask_previous_secret_keys", "jwt_previous_secret_keys")
    }
    # Previous keys still verify, so sample values are as dangerous there.
    named = [*keys.items(), *((name, key) for name, several in previous.items() for key in several)]
    samples = dict.fromkeys(name for name, key in named if key and is_sample_value(key))
    faults += [f"{name.upper()} holds a sample value." for name in samples]
    every = [key for _, key in named if key]
    if len(set(every)) != len(every):
        faults.append("Two secrets have the same value; each must be a different random value.")
    if environ.get("FLASK_DEBUG", "").lower() not in {"", "0", "false", "no"}:
        faults.append("FLASK_DEBUG is on; the debugger executes any code that it is sent.")
    if is_in_memory(settings["database_uri"] or ""):
        faults.append("DATABASE_URI is an in-memory database, which is lost at a restart.")
    public_url = settings["public_url"]
    if public_url is not None and not public_url.startswith("https://"):
        faults.append("PUBLIC_URL must be set, and start with https://.")
    faults += [
        f"{name.upper()} must start with https://."
        for name in pages
        if public_url.startswith("https://") and not settings[name].startswith("https://")
    ]
    if "*" in (settings["cors_origins"] or ()):
        faults.append("CORS_ORIGINS must list origins; * allows every site.")
    if settings["admin_require_second_factor"] is False:
        faults.append("ADMIN_REQUIRE_SECOND_FACTOR must be true: the permissions of the service need it.")
    if settings["password_hash_method"] and is_weak_hash(settings["password_hash_method"]):
        faults.append("PASSWORD_HASH_METHOD is below OWASP's minimum.")
    return faults


# Words of samples and tutorials; a random secret does not contain them.
_SAMPLE_WORDS = (
    "change-me change_me changeme change-this your-secret your_secret your-256-bit your_jwt "
    "your-jwt example placeholder super-secret supersecret super_secret dev-secret dev_secret "
    "jwt-secret jwt_secret secret-key secret_key insecure testing-only password default "
    "a-string-secret replace-me replace_me 0123456789 abcdefgh qwerty"
).split()


def is_sample_value(secret: str) -> bool:
    return len(set(secret)) < 10 or any(word in secret.lower() for word in _SAMPLE_WORDS)


def is_weak_hash(method: str) -> bool:
    """Return whether it is below OWASP's minimum (Password Storage Cheat Sheet; ASVS 5.0, appendix C)."""
    name, first, *rest = method.split(":")
    if name == "pbkdf2":
        return int(rest[0]) < {"sha256": 600_000, "sha512": 220_000}[first]
    needed = {2**17: 1, 2**16: 2, 2**15: 3, 2**14: 5, 2**13: 10}
    passes = next((p for n, p in needed.items() if int(first) >= n), 1_000)
    return int(rest[0]) < 8 or int(rest[1]) < passes
