"""Client authentication (RFC 6749, 2.3): client_secret_basic, client_secret_post, or none for public ones."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

from oauth import refusals
from oauth.clients import credentials
from oauth.clients.credentials import Presented
from oauth.clients.errors import CredentialsTwice, InvalidClient
from oauth.errors import OAuthError
from oauth.refusals import Reason, Step
from oauth.stores import client_secrets, clients
from oauth.stores.client_secrets import Secret
from oauth.stores.clients import Calling
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.database.reads import Reads
from utils.services import Services
from utils.web.forms import Parameters

PUBLIC_KINDS = frozenset({"spa", "native"})
NOTED_EVERY = timedelta(hours=1)  # at most one write of `last_used_at` in this time
Read = Callable[[Reads, str, bytes, datetime], Calling | None]
_NO_DIGEST = bytes(32)  # no text has this one
_FAULTS = {
    "twice": Reason.CREDENTIALS_TWICE,
    "malformed": Reason.CREDENTIALS_MALFORMED,
    "unsupported": Reason.CREDENTIALS_UNSUPPORTED,
}


def authenticate(
    services: Services,
    authorization: str | None,
    form: Parameters,
    client: ClientInfo,
    step: Step = Step.TOKEN,
    read: Read = clients.calling,
) -> Client:
    """Return the client that makes this call: of any kind, enabled, and with its secret if it has one.

    `authorization` is the header as it was sent. Raises `InvalidClient` and `CredentialsTwice`, after it has
    recorded and committed the refusal of a registered client. An unknown client costs the same statement and
    comparison. Commits once an hour to record the use; so call it before the transaction writes.
    `read` may read more than the client, by its statement.
    """
    presented = credentials.read(authorization, form)
    now = services.clock.now()
    digest = digest_of(presented.secret or "")
    calling = read(services.reads, presented.client_id, digest, now)
    found, last_used_at, secret = calling or (None, None, None)
    matching = secret if _is_equal(secret, digest) and presented.secret is not None else None
    reason = _reason(presented, found, matching)
    if found is None or reason is not None:
        if found and reason and refusals.note(services, found.id, step, reason, _detail(presented), client):
            services.tx().commit()
        raise _error(presented)
    _note_use(services, found, matching, last_used_at, now)
    return found


def digest_of(secret: str) -> bytes:
    """Return the digest that is stored. 256 random bits need no slow hash and no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _is_equal(secret: Secret | None, digest: bytes) -> bool:
    """Compare in constant time; without a secret with a digest that no text has."""
    return hmac.compare_digest(secret.digest if secret else _NO_DIGEST, digest)


def _reason(presented: Presented, found: Client | None, matching: Secret | None) -> Reason | None:
    """Return why a registered client is refused, or None."""
    if found is None:
        return None
    if presented.fault:
        return _FAULTS[presented.fault]
    if found.disabled_at is not None:
        return Reason.CLIENT_DISABLED
    if found.kind in PUBLIC_KINDS:
        return None if presented.secret is None else Reason.SECRET_UNEXPECTED
    if presented.secret is None:
        return Reason.SECRET_MISSING
    return None if matching is not None else Reason.SECRET_WRONG


def _error(presented: Presented) -> OAuthError:
    if presented.fault == "twice":
        return CredentialsTwice()
    return InvalidClient(by_header=presented.by_header)


def _detail(presented: Presented) -> str:
    """Return how the client authenticated, and a usual mistake in the secret, without quoting it."""
    way = "by the Authorization header (Basic)" if presented.by_header else "in the body"
    secret = presented.secret
    if secret is None:
        return f"sent {way}"
    said = f"sent {way}, with a secret of {len(secret)} characters"
    if secret != secret.strip():
        return f"{said}, of which the first or last is a space"
    return said


def _note_use(
    services: Services, found: Client, secret: Secret | None, last_used_at: datetime | None, now: datetime
) -> None:
    last = secret.last_used_at if secret else last_used_at
    if last is not None and abs(now - last) < NOTED_EVERY:
        return
    tx = services.tx()
    clients.note_use(tx, found.id, now, NOTED_EVERY)
    if secret:
        client_secrets.note_use(tx, secret.id, now, NOTED_EVERY)
    tx.commit()
