"""Password hashes of other systems that are left, by kind, and the keys that some of them depend on."""

from collections.abc import Iterator

from auth.admin.finding import Finding
from auth.stores import foreign_hash_keys, transfers
from utils.crypto.keys import key_id
from utils.services import Services

CHECK = "imported passwords"


def examine(services: Services) -> Iterator[Finding]:
    """Yield how many hashes of each kind no login has replaced, and whether their keys can be decrypted."""
    tx, key = services.tx(), key_id(services.config["SECRET_KEY"])
    known = {key, *map(key_id, services.settings.flask_previous_secret_keys)}
    keys = foreign_hash_keys.counts_by_key(tx)
    if lost := sum(count for name, count in keys.items() if name not in known):
        text = f"The encryption key of {lost} keys of imported password hashes is missing: these are refused."
        yield Finding(CHECK, "problem", text, "Add it to FLASK_PREVIOUS_SECRET_KEYS.")
    elif old := sum(keys.values()) - keys.get(key, 0):
        text = f"{old} keys of imported password hashes are encrypted under a previous key."
        yield Finding(CHECK, "warning", text, "Run: flask --app app auth reseal")
    counts = sorted(transfers.foreign_by_kind(tx).items())
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts)
    text = f"Not used since their import: {kinds}." if kinds else "No hash of another system is left."
    yield Finding(CHECK, "ok", text)
