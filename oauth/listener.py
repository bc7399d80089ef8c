"""What the provider does when `auth` ends sessions or everything of an account."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from auth.events import LinkPurpose
from auth.mailing.links import LIFETIMES
from oauth.ending import mass_ending
from oauth.stores import apps, endings, notices, row_locks
from oauth.stores.grants import GrantEnd
from utils.services import Services


class ProviderListener:
    """Implements `utils.services.Listener`. Each method but `all_revoked` writes in the caller's transaction.

    Clients are locked first, so that an operator who changes one waits for the whole transaction, and the
    other way round. Then come notices, as they are made from living grants. The caller has ended the sessions
    before, and the redemption of a code locks its session: no grant appears in between.
    """

    def sessions_ended(
        self, services: Services, tx: Session, session_ids: Sequence[UUID], now: datetime
    ) -> None:
        """End the grants that are bound to these sessions, and write down which clients to tell.

        A client with an offline grant is told as well: it keeps its access, but not the person's login.
        """
        if not row_locks.share_clients_of_sessions(tx, session_ids):
            return
        _wake_after(services, tx, written=notices.write_of_sessions(tx, session_ids, now))
        endings.end_bound(tx, session_ids, now)

    def account_revoked(self, services: Services, tx: Session, user_id: int, now: datetime) -> None:
        """End every grant of the account, offline ones too, and write down which clients to tell.

        An intruder may have allowed apps: consents as young as a mail that says "this wasn't me" can be are
        forgotten, too, so that the owner is asked about these apps again.
        """
        row_locks.share_clients_of_user(tx, user_id)
        _wake_after(services, tx, written=notices.write_of_user(tx, user_id, now))
        endings.end_of_user(tx, user_id, GrantEnd.ACCOUNT_REVOKED, now)
        apps.forget_consents(tx, user_id, since=now - LIFETIMES[LinkPurpose.DISOWN])

    def offline_revoked(self, services: Services, tx: Session, user_id: int, now: datetime) -> None:  # noqa: ARG002
        """End the offline grants of the account, and void its codes that were not redeemed.

        No session ended, so no client is told of a logout. The codes go first: a call that redeems one holds
        its row, and the grant that it makes is seen by the next statement.
        """
        row_locks.share_clients_of_user(tx, user_id)
        apps.void_codes(tx, user_id)
        endings.end_offline(tx, user_id, GrantEnd.PASSWORD_CHANGED, now)

    def all_revoked(self, services: Services) -> None:
        """End every grant of every account, and write down which clients to tell. Commits."""
        mass_ending.end_all(services)


def _wake_after(services: Services, tx: Session, *, written: bool) -> None:
    """Wake the delivery when the transaction has committed."""
    if written:
        event.listen(tx, "after_commit", lambda _: services.notices.wake(), once=True)
