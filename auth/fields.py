"""What a field of a body may hold, whichever body it is in: passwords, names, addresses, tokens, codes."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated

import regex
from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationInfo, WithJsonSchema

from auth.errors import PasswordTooCommon, PasswordTooShort
from utils.errors import ApiError
from utils.identifiers import MAX_EMAIL, MAX_USERNAME, display_username, is_reserved, normalized_email
from utils.languages.text import Text
from utils.passwords.blocklist import is_common
from utils.services import services
from utils.web.cursors import read_cursor
from utils.web.return_addresses import MAX_LENGTH
from utils.web.validation import fault, settings_of

MAX_PASSWORD = 256  # code points, after NFC
# Longer text is refused before normalization, which is slow for hostile text.
MAX_PASSWORD_TEXT = 4 * MAX_PASSWORD
MAX_TOKEN = 512
MAX_CODE = 64
MAX_LABEL = 80  # of a passkey or an API token
# Control, format and unassigned characters, line separators, and letters without a shape (UAX 44).
_UNSEEN = regex.compile(r"[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]")
# The faults of a new password with their own error code; the first one is reported.
NEW_PASSWORD_REFUSALS: Mapping[str, type[ApiError]] = {
    "password_too_short": PasswordTooShort,
    "password_too_common": PasswordTooCommon,
}


def _within_maximum(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if len(text) > MAX_PASSWORD_TEXT or len(unicodedata.normalize("NFC", text)) > MAX_PASSWORD:
        raise fault("password_too_long", Text("must be at most {n} characters long", n=MAX_PASSWORD))
    return password


def _without_nul_at_its_end(password: SecretStr) -> SecretStr:
    # HMAC does not distinguish a password from the same one with trailing NUL bytes.
    if password.get_secret_value().endswith("\0"):
        raise fault("password_invalid", Text("must not end in a NUL character"))
    return password


def _long_enough(password: SecretStr, info: ValidationInfo) -> SecretStr:
    minimum = settings_of(info).password_min_length
    if len(unicodedata.normalize("NFC", password.get_secret_value())) < minimum:
        raise fault("password_too_short", Text("must be at least {n} characters long", n=minimum))
    return password


def _not_common(password: SecretStr, info: ValidationInfo) -> SecretStr:
    if settings_of(info).password_blocklist and is_common(password.get_secret_value()):
        text = Text("is on a list of passwords that attackers try first")
        raise fault("password_too_common", text)
    return password


def _chosen_username(name: str, info: ValidationInfo) -> str:
    try:
        shown = display_username(name)
    except ValueError as problem:
        raise fault("username_invalid", *problem.args) from None
    if is_reserved(shown, settings_of(info).brand_name):
        raise fault("username_reserved", Text("is a reserved word"))
    return shown


def _shown_label(text: str) -> str:
    """Return a label as it is stored: NFC, with one ordinary space for any number of any spaces.

    Characters that are not seen, or that move others, are refused: two labels that look alike are the same.
    """
    shown = unicodedata.normalize("NFC", regex.sub(r"\p{Zs}+", " ", text))
    if _UNSEEN.search(shown):
        raise fault("label_invalid", Text("must hold no control or invisible characters"))
    if len(shown) > MAX_LABEL:
        raise fault("label_too_long", Text("must be at most {n} characters long", n=MAX_LABEL))
    return shown


def _installed_language(tag: str) -> str:
    languages = services().languages
    if languages.find(tag) is None:
        raise fault("locale_unknown", Text("must be one of {tags}", tags=", ".join(sorted(languages.tags))))
    return tag


def _address(text: str) -> str:
    try:
        return normalized_email(text)
    except ValueError as problem:
        raise fault("email_invalid", *problem.args) from None


Password = Annotated[
    SecretStr,
    AfterValidator(_within_maximum),
    WithJsonSchema({"type": "string", "format": "password", "maxLength": MAX_PASSWORD, "writeOnly": True}),
]
NewPassword = Annotated[
    SecretStr,
    AfterValidator(_within_maximum),
    AfterValidator(_without_nul_at_its_end),
    AfterValidator(_long_enough),
    AfterValidator(_not_common),
    WithJsonSchema(
        {
            "type": "string",
            "format": "password",
            "minLength": 8,
            "maxLength": MAX_PASSWORD,
            "writeOnly": True,
            "description": "At least PASSWORD_MIN_LENGTH code points. Taken as it is, but for NFC.",
        }
    ),
]
Username = Annotated[
    str,
    AfterValidator(_chosen_username),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_USERNAME,
            "description": "Letters and digits of one script, '.', '_' and '-'; no reserved word.",
        }
    ),
]
Email = Annotated[
    str,
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL}),
]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_LABEL, strip_whitespace=True),
    AfterValidator(_shown_label),
]
Locale = Annotated[
    str,
    AfterValidator(_installed_language),
    Field(description="The tag of an installed language (BCP 47).", examples=["de"]),
]
Token = Annotated[str, StringConstraints(max_length=MAX_TOKEN)]
ChallengeResponse = Annotated[
    str,
    StringConstraints(max_length=4096),
    Field(description="The response to the challenge of a 429 `challenge_required`."),
]
NextAddress = Annotated[
    str,
    StringConstraints(max_length=MAX_LENGTH, pattern=r"^[!-~]*$"),
    Field(description="Returned by the confirmation that logs in, if it is a return address."),
]
Code = Annotated[str, StringConstraints(max_length=MAX_CODE)]  # spaces are no part of it


def _cursor(text: str) -> str:
    try:
        read_cursor(text)
    except ValueError:
        raise fault("cursor_invalid", Text("is not one that was given out")) from None
    return text


Cursor = Annotated[str, StringConstraints(max_length=64), AfterValidator(_cursor)]
