"""What pruning, exports and commands of `auth` do for the provider, also while it is switched off."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.accounts.data_export import Section
from auth.admin.account_expiry import Caller
from auth.admin.finding import Finding
from auth.admin.pruning import Batches, Growing
from auth.admin.settling import Pruned
from oauth.apps import client_findings, explanation, export, listing, outputs, retention
from oauth.keys import findings, rotation, sealing
from oauth.stores import apps, signing_keys
from utils.services import Services

KEYS_KEPT = timedelta(days=1)  # after they were published for the last time


class ProviderUpkeep:
    """Implements `utils.services.Upkeep`."""

    def growing(self, services: Services) -> list[Growing]:
        now = services.clock.now()
        keys = Growing("signing_keys", now - KEYS_KEPT, signing_keys.prune)
        return [keys, *retention.growing(services)]

    def batches(self, services: Services, caller: Caller) -> list[Batches]:
        def rotate_keys() -> Pruned:
            rotation.rotate_due(services, caller)
            return Pruned(0, 0, 0)  # nothing was deleted, and there is no second batch

        return [Batches("signing_keys", 1, rotate_keys)]

    def rotate_encrypted_secrets(self, services: Services, tx: Session) -> tuple[int, int]:
        return sealing.rotate(services, tx)

    def findings(self, services: Services) -> Iterator[Finding]:
        yield from findings.examine(services)
        yield from client_findings.examine(services)

    def forget_person(self, tx: Session, user_id: int) -> None:
        apps.forget_person(tx, user_id)

    def sections(self) -> Sequence[Section]:
        return export.SECTIONS

    def explain(self, services: Services, user_id: int) -> list[str]:
        return explanation.explain(services, user_id)

    def apps_of_account(self, services: Services, user_id: int) -> list[dict[str, Any]]:
        return [outputs.for_operators(app) for app in listing.of_account(services, user_id)]

    def apps_of_sessions(
        self, services: Services, tx: Session, user_id: int, session_ids: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[str]]:
        return listing.names_by_session(services, tx, user_id, session_ids)
