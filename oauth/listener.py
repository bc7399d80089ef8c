"""What the provider does when `auth` ends sessions or everything of an account."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from utils.services import Services


class ProviderListener:
    """Implements `utils.services.Listener`. Each method writes in the caller's transaction."""

    def sessions_ended(
        self, services: Services, tx: Session, session_ids: Sequence[UUID], now: datetime
    ) -> None:
        """End the grants that are bound to these sessions, and write down which clients to tell."""

    def account_revoked(self, services: Services, tx: Session, user_id: int, now: datetime) -> None:
        """End every grant of the account, offline ones too."""

    def all_revoked(self, services: Services, tx: Session, now: datetime) -> None:
        """End every grant of every account."""
