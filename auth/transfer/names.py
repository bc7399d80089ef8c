"""User names of imported accounts: the ones in the file, or free ones made from the addresses."""

import secrets
from collections.abc import Iterable

from sqlalchemy.orm import Session

from auth.revocation import usernames
from auth.stores import transfers
from auth.transfer.candidates import Candidate
from utils.identifiers import is_reserved, username_from, username_key
from utils.services import Services

TRIES = 20
LONGER = 5  # tries with four digits, before those with eight


def assign(services: Services, tx: Session, candidates: Iterable[Candidate]) -> dict[str, str]:
    """Return a free name for each candidate, by its address; different from those of all others.

    A candidate whose name is taken, or that has none, gets one made from its address. One for which none was
    found is left out.
    """
    names, used, left = dict[str, str](), set[str](), [*candidates]
    for attempt in range(TRIES):
        proposed = {each.email_key: _proposed(each, attempt) for each in left}
        keys = {name: username_key(name) or name for name in proposed.values()}
        taken = transfers.taken_names(tx, keys.values())
        kept = usernames.kept_among(services, tx, keys)
        refused = []
        for each in left:
            name = proposed[each.email_key]
            is_free = keys[name] not in taken | used and name not in kept
            if is_free and (name == each.username or not is_reserved(name, services.settings.brand_name)):
                names[each.email_key] = name
                used.add(keys[name])
            else:
                refused.append(each)
        left = refused
        if not left:
            break
    return names


def _proposed(candidate: Candidate, attempt: int) -> str:
    """Return the given name first, then one made from the address, then the same with random digits."""
    attempt -= candidate.username is not None
    if attempt < 0 and candidate.username:
        return candidate.username
    made = username_from(candidate.email)
    if attempt <= 0:
        return made
    digits = 4 if attempt < LONGER else 8
    return f"{made}{secrets.randbelow(10**digits):0{digits}}"
