"""Export all accounts, in pages by rising id. No transaction stays open between two pages."""

from collections.abc import Iterator, Sequence

from auth.events import Event
from auth.roles.actors import Operator, record
from auth.stores import transfers
from auth.stores.transfers import Exported
from utils.database.deadlines import maintenance
from utils.services import Services

PAGE = 2000  # accounts


def export_accounts(
    services: Services, operator: Operator, *, with_hashes: bool
) -> Iterator[Sequence[Exported]]:
    """Yield the accounts page by page: all but those that only hold a name or are about to be erased.

    The audit event is committed before the first page.
    """
    tx = services.tx()
    detail = "with hashes" if with_hashes else None
    record(services, Event.ACCOUNTS_EXPORTED, operator, count=_count(services), detail=detail)
    tx.commit()
    after = 0
    while page := _page(services, after):
        yield page
        after = page[-1].id


@maintenance()
def _count(services: Services) -> int:
    return transfers.count_exported(services.tx())


@maintenance()
def _page(services: Services, after: int) -> Sequence[Exported]:
    page = transfers.exported(services.tx(), after=after, limit=PAGE)
    services.tx().rollback()
    return page
