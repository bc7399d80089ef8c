"""Refusals that are recorded: the audit row outlives the refusal."""

from collections.abc import Iterator
from contextlib import contextmanager

from utils.errors import ApiError
from utils.services import Services


@contextmanager
def recorded(services: Services, *refusals: type[ApiError]) -> Iterator[None]:
    """Commit what one of these refusals has written, then let it pass."""
    try:
        yield
    except refusals:
        services.tx().commit()
        raise
