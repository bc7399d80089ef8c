"""What `doctor` finds about the signing keys: encrypted, published, and not too old."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from auth.admin.finding import Finding
from oauth.keys import lifecycle, sealing
from oauth.keys.listing import Listed, listed
from utils.crypto.keys import key_id
from utils.crypto.signed_ids import secret_keys
from utils.services import Services

CHECK = "signing keys"
LATE = timedelta(days=1)  # after the planned end of a key; prune runs each hour


def examine(services: Services) -> Iterator[Finding]:
    """Yield the findings about the keys that sign tokens for clients."""
    found, now = listed(services), services.clock.now()
    if not found:
        yield Finding(CHECK, "ok", "There are no signing keys yet: the first token makes them.")
        return
    faults = [*sealed(services, found), *published(found, now), *young(found, now)]
    yield from faults
    if not faults:
        text = f"{len(found)} signing keys: encrypted, published before they sign, younger than planned."
        yield Finding(CHECK, "ok", text)


def sealed(services: Services, found: Sequence[Listed]) -> Iterator[Finding]:
    """Yield a finding if a private part cannot be decrypted, or only with a previous secret."""
    private = [each.key for each in found if each.key.sealed_private is not None]
    lost = sum(sealing.private_key(services, key) is None for key in private)
    present = key_id(secret_keys(services)[0])
    old = sum(key.key_id != present for key in private) - lost
    if lost:
        text = f"{lost} signing keys cannot be decrypted."
        advice = "Add their secret to FLASK_PREVIOUS_SECRET_KEYS, or run: flask --app app auth rotate-keys"
        yield Finding(CHECK, "problem", text, advice)
    elif old > 0:
        text = f"{old} signing keys are encrypted under a previous key."
        yield Finding(CHECK, "warning", text, "Run: flask --app app auth reseal")


def published(found: Sequence[Listed], now: datetime) -> Iterator[Finding]:
    """Yield a finding if a key signs that verifiers may not have fetched yet, as after a leak."""
    leaked = {each.key.kid for each in found if each.key.leaked_at is not None}
    for each in found:
        key = each.key
        is_early = key.signs_from - key.created_at < lifecycle.PUBLISHED_AHEAD and key.predecessor in leaked
        if each.state == "present" and is_early and now - key.signs_from < lifecycle.LONGEST_TOKEN:
            text = f"The key of {key.alg} signs without a day of publication, as its predecessor leaked."
            advice = "Restart the clients that refuse its tokens, or wait an hour for their caches."
            yield Finding(CHECK, "warning", text, advice)


def young(found: Sequence[Listed], now: datetime) -> Iterator[Finding]:
    """Yield a finding if a key signs longer than it should."""
    for each in found:
        if each.state == "present" and now - each.key.signs_until > LATE:
            text = f"The key of {each.key.alg} signs for longer than SIGNING_KEY_LIFETIME."
            yield Finding(
                CHECK, "warning", text, "Check that a process serves, or run: flask --app app auth prune"
            )
