"""What `prune`, `reseal` and `doctor` do for the provider, also while it is switched off."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy.orm import Session

from auth.admin.account_expiry import Caller
from auth.admin.finding import Finding
from auth.admin.pruning import Batches, Growing
from auth.admin.settling import Pruned
from oauth.keys import findings, rotation, sealing
from oauth.stores import signing_keys
from utils.services import Services

KEYS_KEPT = timedelta(days=1)  # after they were published for the last time


class ProviderUpkeep:
    """Implements `utils.services.Upkeep`."""

    def growing(self, services: Services) -> list[Growing]:
        now = services.clock.now()
        return [Growing("signing_keys", now - KEYS_KEPT, signing_keys.prune)]

    def batches(self, services: Services, caller: Caller) -> list[Batches]:
        def rotate_keys() -> Pruned:
            rotation.rotate_due(services, caller)
            return Pruned(0, 0, 0)  # nothing was deleted, and there is no second batch

        return [Batches("signing_keys", 1, rotate_keys)]

    def rotate_encrypted_secrets(self, services: Services, tx: Session) -> tuple[int, int]:
        return sealing.rotate(services, tx)

    def findings(self, services: Services) -> Iterator[Finding]:
        yield from findings.examine(services)
