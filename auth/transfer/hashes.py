"""The password hash of a line, as it is stored."""

import re

from utils.passwords import foreign_hashes
from utils.passwords.foreign_schemes import KeyMissing, UnknownKind, check_pbkdf2, check_scrypt
from utils.passwords.hashing import is_in_bounds
from utils.passwords.project_keys import FirebaseKey, FlaskSecurityKey, ProjectKey

FIREBASE, FLASK_SECURITY = "$firescrypt$", "$flask-security$"
_KEYED = ("$2a$", "$2b$", "$2y$", "$argon2", "$pbkdf2")  # with Flask-Security
_OPTIONS = {FIREBASE: "--firebase-params", FLASK_SECURITY: "--flask-security-salt"}
_METHOD = re.compile(
    r"scrypt:(?P<n>\d{1,10}):(?P<r>\d{1,4}):(?P<p>\d{1,4})|pbkdf2:(?P<digest>sha256|sha512):(?P<rounds>\d{1,9})",
    re.ASCII,
)


def stored(given: str, key_id: str | None, key: ProjectKey | None) -> str:
    """Return the hash as it is stored: the given one, with the id of its project's key if it depends on one.

    Raises a `ForeignHashError`. Nothing is computed.
    """
    if len(given) > foreign_hashes.MAX_LENGTH:
        raise UnknownKind("is too long")
    if not (given.isascii() and given.isprintable()):
        raise UnknownKind("has a character that is in no hash")
    if isinstance(key, FirebaseKey) and given.startswith(FIREBASE):
        *_, salt, digest = given.translate(str.maketrans("-_", "+/")).split("$")
        text = f"{FIREBASE}{key_id}${salt}${digest}"
    elif isinstance(key, FlaskSecurityKey) and given.startswith(FLASK_SECURITY):
        text = f"{FLASK_SECURITY}{key_id}${given.removeprefix(FLASK_SECURITY).partition('$')[2]}"
    elif isinstance(key, FlaskSecurityKey) and given.startswith(_KEYED):
        text = f"{FLASK_SECURITY}{key_id}{given}"
    elif option := next((_OPTIONS[each] for each in _OPTIONS if given.startswith(each)), None):
        raise KeyMissing(f"needs {option}")
    else:
        text = given
    if method := _METHOD.fullmatch(text.partition("$")[0]):
        _check_cost(method)
    if not is_in_bounds(text):
        foreign_hashes.read(text, lambda _: key)
    return text


def _check_cost(method: re.Match[str]) -> None:
    """Check the cost of a hash in Werkzeug's format, more narrowly than `PASSWORD_HASH_METHOD` may choose."""
    if method["rounds"]:
        check_pbkdf2(method["digest"], method["rounds"])
    else:
        check_scrypt(int(method["n"]), int(method["r"]), int(method["p"]))
