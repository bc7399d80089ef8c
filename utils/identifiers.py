"""User names and email addresses: validation, normalization and canonical forms.

Order: validate, normalize, store. The canonical form is computed from the stored form.
"""

import unicodedata

import regex
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from precis_i18n import get_profile

from utils.confusables import skeleton
from utils.languages.text import Text

MAX_USERNAME = 80
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets

# RFC 8265. The "preserved" form is displayed, the "mapped" form is compared.
_PRESERVED = get_profile("UsernameCasePreserved")
_MAPPED = get_profile("UsernameCaseMapped")
# Names that PRECIS leaves as they are, but for their case. Its rules take thirty times as long.
_PLAIN = regex.compile(r"[A-Za-z0-9._-]+")
# At least one letter or digit; no combining mark at the start, and at most four in a row.
_ALPHABET = regex.compile(r"(?=.*[\p{L}\p{Nd}])(?!\p{M})(?!.*\p{M}{5})[\p{L}\p{M}\p{Nd}._-]+")

# UTS 39, "highly restrictive" without Latin mixtures: one script, or the scripts that are combined in
# Japanese, Korean and Chinese.
_SCRIPT_MIXTURES = [
    r"\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}",
    r"\p{scx=Han}\p{scx=Hangul}",
    r"\p{scx=Han}\p{scx=Bopomofo}",
]

_RESERVED = frozenset(
    "abuse account accounts admin administrator anonymous api auth billing contact daemon guest help "
    "hostmaster info login logout mail mailer-daemon me moderator noreply no-reply nobody null official "
    "operator owner password postmaster register root security settings signup staff superuser support "
    "sysadmin system team undefined user users webmaster".split()
)


def username_key(name: str) -> str | None:
    """Return the canonical form of a user name, or None if the name is invalid."""
    if len(name) > MAX_USERNAME:
        return None
    if _PLAIN.fullmatch(name):
        return name.lower()
    try:
        return str(_MAPPED.enforce(name))
    except (UnicodeError, ValueError):
        return None


def display_username(name: str) -> str:
    """Return the user name as it is displayed. Raises `ValueError` with the fault, a `Text`."""
    if "@" in name:
        raise ValueError(Text("must not contain @"))
    try:
        is_final = len(name) > 2 * MAX_USERNAME or _PLAIN.fullmatch(name)
        displayed = name if is_final else str(_PRESERVED.enforce(name))
    except (UnicodeError, ValueError):
        displayed = ""
    if len(displayed) > MAX_USERNAME:
        raise ValueError(Text("must be at most {n} characters long", n=MAX_USERNAME))
    if not _ALPHABET.fullmatch(displayed) or username_key(displayed) is None:
        raise ValueError(Text("may hold letters, digits, '.', '_' and '-' only"))
    if not _is_one_script(displayed):
        raise ValueError(Text("must not mix letters of different scripts"))
    return displayed


def is_reserved(name: str, *more: str) -> bool:
    """Return whether the name is, or looks like, a reserved word or one of `more` (the brand)."""
    shown = name.strip("._-")
    key = username_key(shown) or shown
    # A name is shown as it was typed, but another service may show it in one case. `I` looks like `l`, so the
    # unfolded skeleton finds `APl`, and does not refuse `mall` for its likeness to `mail`.
    looks = {_folded(shown), _folded(key), _folded(key.upper()), skeleton(shown)}
    brands = (username_key(word.replace(" ", "")) or word for word in more)
    return not looks.isdisjoint(_RESERVED_LOOKS) or any(not looks.isdisjoint(_looks(b)) for b in brands)


def _looks(word: str) -> set[str]:
    """Return the skeletons of a reserved word: in lower case, in capitals, and with one capital."""
    return {_folded(word), skeleton(word.upper()), skeleton(word.title())}


def _folded(text: str) -> str:
    """Return the skeleton of a text without regard to case."""
    return skeleton(skeleton(text).lower())


_RESERVED_LOOKS = frozenset().union(*map(_looks, _RESERVED))


def _is_one_script(name: str) -> bool:
    if name.isascii():
        return True
    letters = "".join(c for c in name if regex.fullmatch(r"[^\p{Common}\p{Inherited}]", c))
    if not letters or letters.isascii():
        return True
    if any(regex.fullmatch(f"[{scripts}]+", letters) for scripts in _SCRIPT_MIXTURES):
        return True
    script = next((s for s in _scripts() if regex.match(rf"\p{{scx={s}}}", letters)), None)
    return script is not None and regex.fullmatch(rf"\p{{scx={script}}}+", letters) is not None


def _scripts() -> list[str]:
    """Return every script in modern use (UAX 31, tables 5 and 7), the most common first."""
    return (
        "Latin Cyrillic Greek Arabic Han Devanagari Hebrew Hangul Hiragana Katakana Thai Bengali Tamil "
        "Telugu Armenian Georgian Ethiopic Gujarati Gurmukhi Kannada Khmer Lao Malayalam Myanmar Oriya "
        "Sinhala Thaana Tibetan Bopomofo Adlam Balinese Bamum Batak Canadian_Aboriginal Chakma Cham "
        "Cherokee Hanifi_Rohingya Javanese Kayah_Li Lepcha Limbu Lisu Mandaic Meetei_Mayek Miao Mongolian "
        "Newa Nko Nyiakeng_Puachue_Hmong Ol_Chiki Osage Saurashtra Sundanese Syloti_Nagri Syriac Tai_Le "
        "Tai_Tham Tai_Viet Tifinagh Vai Wancho Yi"
    ).split()


def normalized_email(text: str) -> str:
    """Return the address as it is stored: RFC 5321, domain in lower case, NFC. Raises `ValueError`."""
    return _validated_email(text).normalized


def email_key(text: str) -> str | None:
    """Return the canonical form of an address (IDNA domain, lower case), or None if it is invalid."""
    try:
        found = _validated_email(text)
    except ValueError:
        return None
    return f"{unicodedata.normalize('NFC', found.local_part.lower())}@{found.ascii_domain.lower()}"


def deliverable(email: str) -> str:
    """Return the address with its domain in ASCII (IDNA), for SMTP. Raises `ValueError`."""
    found = _validated_email(email)
    return f"{found.local_part}@{found.ascii_domain}"


def _validated_email(text: str) -> ValidatedEmail:
    if len(text) > MAX_EMAIL:
        raise ValueError(Text("must be at most {n} characters long", n=MAX_EMAIL))
    if "=?" in text:  # an encoded word (RFC 2047): a mail header would decode it to another address
        raise ValueError(Text("is not a valid email address"))
    try:
        return validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise ValueError(Text("is not a valid email address")) from None


def username_from(email: str) -> str:
    """Return a user name made from the local part of an address: 1 to 60 characters of `[a-z0-9._-]`."""
    local = unicodedata.normalize("NFKD", email.rpartition("@")[0].partition("+")[0]).lower()
    name = regex.sub(r"[^a-z0-9._-]", "", local).strip("._-")[:60]
    return name or "user"
