"""Password hashes of other systems, which imported accounts have until their first login.

A notation is matched in full, and a hash beyond the bounds of its kind is refused at import and at login
alike: a stored hash names its own cost, and could take minutes and all memory. The password is taken as it
was received, as these systems took it, in UTF-8.

bcrypt      `$2b$...`, also `$2a$`, `$2y$`; Django's `bcrypt$` and `bcrypt_sha256$`
argon2      `$argon2id$...`, `$argon2i$...`; Django's `argon2$`
pbkdf2      Django's `pbkdf2_sha256$...`; passlib's `$pbkdf2-sha256$...`; Werkzeug's `pbkdf2:sha1:...`
scrypt      Django's `scrypt$...`; passlib's `$scrypt$...`
firebase    `$firescrypt$KEY$salt$hash`, where KEY is the id of the project's key
flask-security  `$flask-security$KEY` and one of `$2b$`, `$argon2id$`, `$pbkdf2-...`
phpass      `$P$...`, `$H$...`
wordpress   `$wp$2y$...`: bcrypt of an HMAC (WordPress 6.8)
"""

import base64
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from utils.passwords import foreign_schemes as schemes
from utils.passwords.foreign_schemes import (
    FindKey,
    ForeignHash,
    KeyMissing,
    Kind,
    PlainDigest,
    UnknownKind,
    base64_bytes,
)
from utils.passwords.project_keys import FlaskSecurityKey

MAX_LENGTH = 255  # characters of a stored hash
# How the stored hashes of a kind begin. No hash of `utils.passwords.hashing` begins so.
PREFIXES: Mapping[Kind, tuple[str, ...]] = {
    Kind.BCRYPT: ("$2a$", "$2b$", "$2y$", "bcrypt$", "bcrypt_sha256$"),
    Kind.ARGON2: ("$argon2i$", "$argon2id$", "argon2$"),
    Kind.PBKDF2: ("$pbkdf2$", "$pbkdf2-", "pbkdf2_", "pbkdf2:sha1:"),
    Kind.SCRYPT: ("$scrypt$", "scrypt$"),
    Kind.FIREBASE: ("$firescrypt$",),
    Kind.FLASK_SECURITY: ("$flask-security$",),
    Kind.PHPASS: ("$P$", "$H$"),
    Kind.WORDPRESS: ("$wp$",),
}


def kind(hashed: str) -> Kind | None:
    """Return the kind of a stored hash by its beginning, or None if it is not of another system."""
    return next((each for each, prefixes in PREFIXES.items() if hashed.startswith(prefixes)), None)


def read(hashed: str, find_key: FindKey) -> ForeignHash:
    """Return a hash that can be checked. Raises a `ForeignHashError`."""
    if len(hashed) <= MAX_LENGTH:
        for notation, reader in _NOTATIONS:
            if found := notation.fullmatch(hashed):
                return reader(found, find_key)
    if _PLAIN_DIGEST.fullmatch(hashed):
        raise PlainDigest("is a plain digest, which is too weak to keep")
    raise UnknownKind("is of no kind that is read here; plain text is never taken")


def _flask_security(found: re.Match[str], find_key: FindKey) -> ForeignHash:
    key, inner = find_key(found["key"]), read(found["inner"], find_key)
    if not isinstance(key, FlaskSecurityKey):
        raise KeyMissing("needs a key that is missing here")

    def prepare(password: str) -> Sequence[bytes]:
        text = unicodedata.normalize("NFKD", password).encode()
        return [base64.b64encode(hmac.digest(key.salt, text, "sha512"))]

    return inner._replace(kind=Kind.FLASK_SECURITY, prepare=prepare)


_BCRYPT = r"\$2[aby]\$(?P<cost>\d\d)\$(?P<salt>[./A-Za-z0-9]{22})(?P<digest>[./A-Za-z0-9]{31})"
_B64 = r"[A-Za-z0-9+/]"
_AB64 = r"[A-Za-z0-9./]"
_PLAIN_DIGEST = re.compile(
    r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128}"
    r"|(unsalted_)?(md5|sha1|sha256|sha512)\$.*|\{S?(MD5|SHA)\d*\}.*|\$1\$.*"
)
_Reader = Callable[[re.Match[str], FindKey], ForeignHash]
_KEY = r"(?P<key>[0-9a-f]{12})"
_PBKDF2_OF_DJANGO = r"pbkdf2_(?P<hash>sha1|sha256|sha512)\$(?P<rounds>\d{1,9})\$(?P<salt>[^$]{1,128})\$"
_PBKDF2_OF_PASSLIB = r"\$pbkdf2(?:-(?P<hash>sha256|sha512))?\$(?P<rounds>\d{1,9})\$"
_PBKDF2_OF_WERKZEUG = r"pbkdf2:(?P<hash>sha1):(?P<rounds>\d{1,9})\$(?P<salt>[^$]{1,128})\$"
_SCRYPT_OF_PASSLIB = r"\$scrypt\$ln=(?P<ln>\d{1,2}),r=(?P<r>\d{1,4}),p=(?P<p>\d{1,4})\$"
_COST = r"(?P<r>\d{1,4})\$(?P<p>\d{1,4})\$"
_ARGON2 = (
    r"(?:argon2)?\$argon2(?P<type>id?)(?:\$v=(?P<version>16|19))?"
    r"\$m=(?P<memory>\d{1,9}),t=(?P<rounds>\d{1,9}),p=(?P<lanes>\d{1,9})"
    rf"\$(?P<salt>{_B64}{{11,86}})\$(?P<digest>{_B64}{{22,86}})"
)
_NOTATIONS: Sequence[tuple[re.Pattern[str], _Reader]] = [
    (re.compile(text, re.ASCII), reader)
    for text, reader in (
        (rf"(?:bcrypt\$)?{_BCRYPT}", schemes.bcrypt_hash),
        (rf"bcrypt_sha256\${_BCRYPT}", schemes.bcrypt_of_sha256),
        (rf"\$wp{_BCRYPT}", schemes.wordpress),
        (_ARGON2, schemes.argon2_hash),
        (
            rf"{_PBKDF2_OF_DJANGO}(?P<digest>{_B64}{{22,86}}={{0,2}})",
            lambda found, _: schemes.pbkdf2(found, found["salt"].encode(), base64_bytes(found["digest"])),
        ),
        (
            rf"{_PBKDF2_OF_PASSLIB}(?P<salt>{_AB64}{{1,128}})\$(?P<digest>{_AB64}{{22,86}})",
            lambda found, _: schemes.pbkdf2(
                found, base64_bytes(found["salt"]), base64_bytes(found["digest"])
            ),
        ),
        (
            rf"{_PBKDF2_OF_WERKZEUG}(?P<digest>[0-9a-f]{{40}})",
            lambda found, _: schemes.pbkdf2(found, found["salt"].encode(), bytes.fromhex(found["digest"])),
        ),
        (
            rf"scrypt\$(?P<n>\d{{1,8}})\$(?P<salt>[^$]{{1,128}})\${_COST}(?P<digest>{_B64}{{22,86}}={{0,2}})",
            lambda found, _: schemes.scrypt(
                int(found["n"]), found, found["salt"].encode(), base64_bytes(found["digest"])
            ),
        ),
        (
            rf"{_SCRYPT_OF_PASSLIB}(?P<salt>{_B64}{{1,128}})\$(?P<digest>{_B64}{{22,86}})",
            lambda found, _: schemes.scrypt(
                2 ** int(found["ln"]), found, base64_bytes(found["salt"]), base64_bytes(found["digest"])
            ),
        ),
        (
            rf"\$firescrypt\${_KEY}\$(?P<salt>{_B64}{{1,64}}={{0,2}})\$(?P<digest>{_B64}{{22,86}}={{0,2}})",
            schemes.firebase,
        ),
        (
            rf"\$flask-security\${_KEY}(?P<inner>\$(?:2[aby]|argon2id?|pbkdf2|pbkdf2-sha\d+)\$.*)",
            _flask_security,
        ),
        (
            rf"\$[PH]\$(?P<cost>{_AB64})(?P<salt>{_AB64}{{8}})(?P<digest>{_AB64}{{22}})",
            schemes.phpass,
        ),
    )
]
