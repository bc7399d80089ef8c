"""Values that are stored, signed, sent or scraped: a release may add one, and change or remove none."""

import ast
from dataclasses import fields
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from auth import cookies, tokens
from auth.events import EndReason, Event, LinkPurpose, Origin, Refusal
from auth.factors import totp_secrets
from auth.factors.verification import Method
from auth.login.brute_force import login_digest
from auth.mailing.messages import MAILS
from auth.stores.challenges import ChallengePurpose
from config import Settings
from pages import preferences
from pages import routes as pages
from tests.support.architecture import project_sources
from tests.support.commands import commands_of
from utils.crypto import access_tokens
from utils.crypto.encryption import Encrypted
from utils.crypto.keys import derive_key, key_id
from utils.database import migrations
from utils.errors import error_classes
from utils.limits.rate_limits import POLICIES
from utils.mail.mailers import TEMPLATE_HEADER
from utils.observability.metrics import Metrics
from utils.web.languages import LANGUAGE_COOKIE

ENUMS: dict[type[StrEnum], str] = {
    Event: """
        account_created account_disabled account_enabled account_erased account_registered account_restored
        account_shown accounts_listed all_sessions_ended data_exported database_copied deletion_requested
        email_change_requested email_change_undone email_changed email_verified factors_reset
        factors_reset_begun factors_reset_stopped link_refused locked_out mail_given_up other_sessions_ended
        passkey_added passkey_removed passkey_renamed password_changed password_removed password_reset
        password_reset_requested proof_refused pruned reauthenticated recovery_codes_replaced
        refresh_token_reused registration_rejected registration_repeated reset_sent second_factor_asked
        second_factor_refused secrets_resealed session_ended session_refreshed sign_in_disowned
        sign_in_refused signed_in signed_in_with_code signed_in_with_passkey signed_in_with_recovery_code
        signed_out strangers_shut_out token_issued totp_begun totp_disabled totp_enabled username_changed
        verification_requested
    """,
    Refusal: """
        challenge_expired challenge_used changed_meanwhile code_used disabled email_not_verified leaving
        link_expired link_used no_password password_blocked seal_broken too_many_failures unknown wrong_code
        wrong_passkey wrong_password
    """,
    EndReason: """
        deletion_requested disowned email_change_undone factors_changed guessing operator password_changed
        password_removed password_reset replaced reuse revoked signed_out too_many
    """,
    LinkPurpose: "disown email_change email_undo reset restore verify",
    ChallengePurpose: "new_passkey passkey_sign_in reauth sign_in",
    Method: "passkey recovery_code totp",
    Origin: "operator registered",
}
ERROR_CODES = """
account_disabled account_taken bad_request busy challenge_expired challenge_invalid conflict
cross_site_refused email_not_verified email_taken forbidden gone internal_error invalid_credentials
json_invalid last_way_in method_not_allowed missing_fields no_factors_reset no_input no_passkeys no_password
not_found passkey_invalid passkey_not_found passkey_refused passkey_taken password_contains_context
password_leaked password_too_common password_too_short password_unchanged payload_too_large rate_limited
reauth_required refresh_token_expired refresh_token_invalid refresh_token_missing refresh_token_reused
second_factor_invalid second_factor_required second_factor_setup_required session_not_found session_required
token_expired token_invalid token_malformed token_missing token_unknown token_used too_many_passkeys
too_many_usernames
totp_blocked totp_enabled totp_not_begun two_factor_off unauthorized unavailable unsupported_media_type
user_not_found username_taken validation_failed wrong_code wrong_current_password
""".split()
COMMANDS = """
create-user deliver-mail disable doctor enable end-sessions explain list-users lock-out prune reseal
reset-factors send-reset show token unblock-totp
""".split()
POLICY_NAMES = """
account-changes links login login-account login-day login-device login-pair logout mailed passkey-options
proof proof-account reads refresh register session-changes strength
""".split()
MAIL_TEMPLATES = """
account_restored address_taken change_email deletion_requested email_changed factors_reset
factors_reset_begun factors_reset_stopped guessing new_sign_in passkey_added passkey_removed password_blocked
password_changed password_removed recovery_code_used recovery_codes_replaced reset_password
second_factor_guessing session_guessing session_stolen sign_in_after_failures totp_blocked two_factor_disabled
two_factor_enabled username_changed verify_email
""".split()
SETTINGS = """
AUDIT_RETENTION BRAND_COLOR BRAND_LOGO BRAND_LOGO_DARK BRAND_NAME
CLIENT_ADDRESS_HEADER CONFIRM_PASSWORD_FIELD CORS_ORIGINS DATABASE_URI
DEFAULT_LANGUAGE DOCS_ENABLED
ENDED_SESSION_RETENTION FLASK_ENV FLASK_PREVIOUS_SECRET_KEYS FLASK_SECRET_KEY HASH_CONCURRENCY
HIDE_ACCOUNT_EXISTENCE HOST JWT_ACCESS_TOKEN_EXPIRES JWT_AUDIENCE JWT_ISSUER JWT_PREVIOUS_SECRET_KEYS
JWT_SECRET_KEY LEAKED_PASSWORDS_URL LINK_DISOWN LINK_REJECT LINK_RESET LINK_RESTORE LINK_UNDO LINK_VERIFY
MAIL_FROM MAIL_URL METRICS_TOKEN PAGES_ENABLED PASSWORD_BLOCKLIST PASSWORD_CONTEXT_WORDS PASSWORD_HASH_METHOD
PASSWORD_MIN_LENGTH PORT PUBLIC_URL RATE_LIMIT_ENABLED REDIS_URL REMEMBERED_ABSOLUTE_LIFETIME
REMEMBERED_IDLE_LIFETIME REQUIRE_SECOND_FACTOR REQUIRE_VERIFIED_EMAIL SESSION_ABSOLUTE_LIFETIME
SESSION_IDLE_LIFETIME TERMS_VERSION TOTP_PREVIOUS_STEPS TRUSTED_PROXIES UI_CONTRAST_DEFAULT
UI_SCHEME_DEFAULT UNCONFIRMED_ACCOUNT_LIFETIME WEB_CONCURRENCY
""".split()
METRICS = {
    "auth_request_seconds": ("histogram", ("method", "route", "status")),
    "auth_sign_ins": ("counter", ("outcome",)),
    "auth_second_factors_refused": ("counter", ("reason",)),
    "auth_sessions_started": ("counter", ()),
    "auth_sessions_ended": ("counter", ("reason",)),
    "auth_mails": ("counter", ("outcome",)),
    "auth_limits_hit": ("counter", ("policy",)),
    "auth_leak_checks": ("counter", ("outcome",)),
    "auth_hashes_refused": ("counter", ()),
    "auth_hashes_waiting": ("gauge", ()),
}
LOG_EVENTS = {
    ("error", "a stored password hash is unreadable or too costly"),
    ("error", "database unavailable"),
    ("error", "unexpected error"),
    ("info", "mail written"),
    ("info", "schema upgraded"),
    ("warning", "delivery interrupted"),
    ("warning", "leaked passwords not asked"),
    ("warning", "redis unavailable"),
    ("warning", "the key of an authenticator app's secret is gone: see FLASK_PREVIOUS_SECRET_KEYS"),
}

KEY = "k" * 40
ID = UUID(int=1)
SERVICES: Any = SimpleNamespace(
    config={"SECRET_KEY": KEY}, settings=SimpleNamespace(flask_previous_secret_keys=())
)
ROW: Any = SimpleNamespace(id=ID, user_id=7, purpose="reset", nonce=b"n" * 16)
REFRESH_TOKEN = "AQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAwFPptwOBGJNhAz3IzRANXBxOFNIEEJ60PmeWSoAmhn3"
ONE_TIME_TOKEN = "AAAAAAAAAAAAAAAAAAAAAcWUL7C3p73vPvd2fj6Jj2bdtypnCK60cktGtaZB76Qt"
CHALLENGE = "AAAAAAAAAAAAAAAAAAAAAVQmD11VmmWENU0VAVEGZ5U5dss5d7Pxm738X-7P2Sfz"
DEVICE_TOKEN = "AAAAAAAAAAAAAAAAAAAAAZ6adU83LYmuMazxBXKrhQweTTIoyKgfosHwE4H8xDwf"
ENCRYPTED_TOTP_SECRET = bytes.fromhex(
    "9fd96ac8ee801bfae9a13ba97cc57523ba08787792c1ed40b9bcbb26aac4562fcceebb81a1076f6eabb649160fde3370"
)


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_enum_keeps_its_values(enum: type[StrEnum]) -> None:
    assert set(ENUMS[enum].split()) <= {member.value for member in enum}


def test_names_are_kept() -> None:
    assert set(ERROR_CODES) <= {each.code for each in error_classes()}
    assert set(COMMANDS) <= set(commands_of())
    assert set(POLICY_NAMES) <= set(POLICIES)
    assert set(MAIL_TEMPLATES) <= set(MAILS)
    assert set(SETTINGS) <= {field.name.upper() for field in fields(Settings)}


def test_metrics_keep_their_names_types_and_labels() -> None:
    metrics = Metrics()
    labels = {each._name: each._labelnames for each in vars(metrics).values() if hasattr(each, "_labelnames")}
    found = {each.name: (each.type, labels[each.name]) for each in metrics.registry.collect()}
    assert found.items() >= METRICS.items()


def test_log_events_keep_their_names_and_levels() -> None:
    logged = {
        (call.func.attr, call.args[0].value)
        for path, text in project_sources().items()
        if not path.startswith("tests/")
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value) == "log"
        and isinstance(call.args[0], ast.Constant)
    }
    assert logged >= LOG_EVENTS


def test_cookies_and_headers_keep_their_names() -> None:
    found = (cookies.REFRESH_COOKIE, cookies.CHALLENGE_COOKIE, cookies.DEVICE_COOKIE, cookies.DEVICE_HEADER)
    assert found == ("__Host-refresh", "__Host-challenge", "__Host-device", "X-Device-Token")
    assert cookies.SIGN_UP_COOKIE == "__Host-signup"
    assert (preferences.CONTRAST_COOKIE, preferences.SCHEME_COOKIE) == ("__Host-contrast", "__Host-scheme")
    assert (LANGUAGE_COOKIE, pages.HINT_COOKIE) == ("__Host-lang", "__Host-signed-in")
    assert TEMPLATE_HEADER == "X-Template"


def test_signed_tokens_keep_their_labels_and_form() -> None:
    session: Any = SimpleNamespace(id=ID, secret=b"s" * 16, generation=3)
    assert (refresh := tokens.read_refresh(REFRESH_TOKEN))
    assert tokens.is_genuine(SERVICES, refresh, session)
    assert tokens.one_time(SERVICES, ROW) == ONE_TIME_TOKEN
    assert tokens.challenge(SERVICES, ROW) == CHALLENGE
    assert tokens.device_token(SERVICES, ID) == DEVICE_TOKEN


def test_derived_keys_keep_their_labels() -> None:
    totp_secret = Encrypted(ENCRYPTED_TOTP_SECRET, key_id(KEY))
    assert totp_secrets.decrypted(SERVICES, 7, totp_secret) == b"twenty random bytes."
    assert key_id(KEY) == "f5e2c047396e"
    assert derive_key(KEY, "x").hex() == "d7d90d87af68e52f9f5100f8c7fa275a467a91eb881c0e853ff8df41597e7073"
    assert login_digest(SERVICES, "Ada@Example.com") == "13458251b26ed38e681241f2477f2b30"


def test_access_token_form_and_migration_lock_are_kept() -> None:
    assert (access_tokens.ALGORITHM, access_tokens.TYPE, access_tokens.ENROLLMENT) == (
        "HS256",
        "at+jwt",
        "setup",
    )
    assert migrations._LOCK_NUMBER == 7205917
