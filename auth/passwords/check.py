"""The password of a known account, checked and its failures counted."""

from uuid import UUID

from auth.account_state import Use, refusal
from auth.events import EndReason, Event, Refusal
from auth.mailing import links
from auth.sessions import ending
from auth.stores import audit, sessions, users
from models import Account
from utils.client_info import ClientInfo
from utils.services import Services

MAX_FAILURES = 100  # wrong passwords in a row (NIST SP 800-63B-4, 3.2.2)


def is_password(services: Services, account: Account, password: str) -> bool:
    """Whether the password opens this account. Costs one hash in every case, and holds no connection.

    Raises `TooManyRequests` when the account's password is checked too often in this way.
    """
    services.limiter.check("proof-account", f"user-{account.id}", visible=False)
    services.tx().rollback()
    if account.password_hash is None:
        services.hasher.hash(password)
        return False
    is_right = services.hasher.check(account.password_hash, password)
    return is_right and refusal(account, Use.PROVE_PASSWORD) is None


def record_failure(
    services: Services, account: Account, client: ClientInfo, *, session_id: UUID | None = None
) -> None:
    """Record a wrong password. The account may have been erased while it was hashed.

    After `MAX_FAILURES` in a row the session that they came from ends. Without a session they count as
    failures of unknown devices.
    """
    tx, now = services.tx(), services.clock.now()
    if not users.lock(tx, account.id):
        audit.count_unknown(tx, Event.PROOF_REFUSED, None, now, client)
        return
    reason = Refusal.WRONG_PASSWORD
    audit.append(tx, Event.PROOF_REFUSED, now, client, user_id=account.id, reason=reason)
    if session_id is None:
        users.count_failure(tx, account.id)
    elif sessions.count_failure(tx, session_id) >= MAX_FAILURES:
        ending.end(services, tx, session_id, account.id, EndReason.GUESSING, now)
        links.notify(services, tx, account, "session_guessing", client)
