"""The password hash of a line, as it is stored."""

from utils.passwords import foreign_hashes
from utils.passwords.foreign_schemes import KeyMissing, UnknownKind
from utils.passwords.hashing import is_in_bounds
from utils.passwords.project_keys import FirebaseKey, FlaskSecurityKey, ProjectKey

FIREBASE, FLASK_SECURITY = "$firescrypt$", "$flask-security$"
_KEYED = ("$2a$", "$2b$", "$2y$", "$argon2", "$pbkdf2")  # with Flask-Security
_OPTIONS = {FIREBASE: "--firebase-params", FLASK_SECURITY: "--flask-security-salt"}


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
    if not is_in_bounds(text):
        foreign_hashes.read(text, lambda _: key)
    return text
