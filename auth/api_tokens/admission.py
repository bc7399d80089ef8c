"""Admission: whether the bearer of an API token may call, and what they may do."""

import logging
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from auth import tokens
from auth.api_tokens import allowance
from auth.errors import SecondFactorSetupRequired
from auth.stores import api_tokens
from utils.crypto import access_tokens
from utils.crypto import api_tokens as form
from utils.services import Principal, Services

log = logging.getLogger("auth")

NOTED_EVERY = timedelta(minutes=10)  # at most one write of `last_used_at` in this time


def admit(services: Services, token: str) -> Principal | None:
    """Return the owner of this token with its permissions, if the database admits it now. One statement.

    A wrong form or checksum costs no statement. The owner's permissions are read on each call, so that a
    change counts with the next one in every process.
    """
    digest = form.digest_of(token) if services.settings.api_tokens_enabled else None
    if digest is None:
        return None
    now = services.clock.now()
    found = api_tokens.admitted(services.reads, digest, now)
    if found is None:
        return None
    account = found.account
    by_factor = found.by_factor and account.two_factor_at is not None
    may = allowance.effective(found.permissions, found.held, by_factor=by_factor)
    is_restricted = tokens.needs_enrollment(services, account)
    is_noted = found.last_used_at is not None and abs(now - found.last_used_at) < NOTED_EVERY
    return Principal(
        account.id,
        None,
        None,
        account,
        scope=access_tokens.ENROLLMENT if is_restricted else None,
        out_of_scope=SecondFactorSetupRequired,
        permissions=frozenset() if is_restricted else may,
        note_use=None if is_noted else partial(_note_use, services, found.id, now),
    )


def _note_use(services: Services, token_id: UUID, now: datetime) -> None:
    """Record the use of a token, in a transaction of its own. The answer does not depend on it."""
    tx = services.tx()
    try:
        tx.rollback()  # what the call read or did not commit
        api_tokens.note_use(tx, token_id, now, NOTED_EVERY)
        tx.commit()
    except SQLAlchemyError as problem:
        tx.rollback()
        log.warning("use of an API token not recorded", extra={"error": type(problem).__name__})
