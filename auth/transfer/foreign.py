"""Hashes of other systems that were imported and never used."""

from datetime import datetime

from auth.events import Event
from auth.roles.actors import Operator, record
from auth.stores import foreign_hash_keys, roles, transfers
from utils.database.deadlines import maintenance
from utils.services import Services

BATCH = 1000  # accounts a transaction


@maintenance()
def forget(services: Services, operator: Operator, before: datetime) -> int:
    """Remove the hashes of other systems that were imported before then; return how many.

    A hash that is left was never used here: a login replaces it. The owners set a new password by mail. Keys
    of projects that no hash needs any more are removed as well.
    """
    tx, now = services.tx(), services.clock.now()
    total, last = transfers.forget_foreign(tx, before, now, after=0, limit=BATCH)
    while last:
        tx.commit()
        forgotten, last = transfers.forget_foreign(tx, before, now, after=last, limit=BATCH)
        total += forgotten
    roles.lock_administration(tx)  # an import stores a key in the transaction of the hashes that need it
    foreign_hash_keys.remove_unused(tx)
    record(services, Event.FOREIGN_HASHES_FORGOTTEN, operator, count=total)
    tx.commit()
    return total
