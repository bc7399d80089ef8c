"""Import accounts in batches, each in a transaction of its own. The unique keys decide what is new.

An import that ends early is run again: lines of accounts that exist change nothing. Batches lock all changes
of roles, so that two imports take turns, and no role gets a permission of this service meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from auth.events import Event, Origin
from auth.permissions import is_role_name
from auth.revocation import revoke, usernames
from auth.roles.actors import Operator, record
from auth.stores import one_time_tokens, roles, transfers, users
from auth.stores.transfers import Existing
from auth.transfer import candidates, names, project_keys
from auth.transfer.candidates import Candidate, Options
from auth.transfer.lines import Line
from auth.transfer.outcomes import Fault, LineRefused, Note, Outcome, State
from utils.database.deadlines import maintenance
from utils.identifiers import username_key
from utils.services import Services

BATCH = 1000  # lines a transaction
ROUNDS = 5  # inserts of a batch, of which the later ones are for lines that lost a race
MAX_FIELD_NAME = 60  # characters of an unknown field that are reported


def import_accounts(
    services: Services, operator: Operator, lines: Iterable[Line], options: Options
) -> Iterator[tuple[Sequence[Line], Sequence[Outcome]]]:
    """Yield the lines of each batch and what became of them, after its commit.

    With `dry_run` nothing is stored but an audit event.
    """
    key_id = project_keys.identify(services, options.key) if options.key else None
    seen, rest = set[str](), iter(lines)
    while batch := [*islice(rest, BATCH)]:
        yield batch, _import_batch(services, operator, batch, options, key_id, seen)
    if options.dry_run:
        record(services, Event.ACCOUNTS_IMPORTED, operator, count=0, detail="dry run")
        services.tx().commit()


@dataclass(slots=True)
class _Batch:
    """A batch while it is imported: its transaction, the outcomes by line, and the new addresses."""

    services: Services
    options: Options
    tx: Session
    now: datetime
    role_ids: Mapping[str, tuple[int, bool]] = field(default_factory=dict)  # and whether it holds `auth:`
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)

    def settle(self, candidate: Candidate, state: State, user_id: int | None, **more: Any) -> None:
        self.outcomes[candidate.line] = Outcome(candidate.line, state, candidate.given_id, user_id, **more)

    def refuse(self, candidate: Candidate, fault: Fault, fields: Mapping[str, str] | None = None) -> None:
        self.settle(candidate, State.REFUSED, None, fault=fault, fields=fields or {})


@maintenance()
def _import_batch(
    services: Services,
    operator: Operator,
    lines: Sequence[Line],
    options: Options,
    key_id: str | None,
    seen: set[str],
) -> Sequence[Outcome]:
    """Import a batch. `seen` has the addresses that a dry run would have imported before."""
    batch = _Batch(services, options, services.tx(), services.clock.now())
    left = [each for line in lines if (each := _read(batch, line, key_id))]
    roles.lock_administration(batch.tx)
    if options.key and key_id:
        project_keys.store(services, batch.tx, key_id, options.key)
    wanted = {name for each in left for name in each.roles if is_role_name(name)}
    batch.role_ids = roles.with_service_permission(batch.tx, wanted | {*services.settings.new_account_roles})
    left = [each for each in left if _has_grantable_roles(batch, each) and not _is_seen(batch, each, seen)]
    for _ in range(ROUNDS):
        if left:
            left = _insert(batch, operator, left)
    for each in left:
        batch.refuse(each, Fault.ACCOUNT_TAKEN)
    if options.dry_run:
        batch.tx.rollback()
        seen |= batch.created
    else:
        record(services, Event.ACCOUNTS_IMPORTED, operator, count=len(batch.created))
        batch.tx.commit()
    return [batch.outcomes[line.number] for line in lines]


def _read(batch: _Batch, line: Line, key_id: str | None) -> Candidate | None:
    try:
        return candidates.read(batch.services, line, batch.options, key_id)
    except LineRefused as refusal:
        fields = {name[:MAX_FIELD_NAME]: fault for name, fault in refusal.fields.items()}
        given_id = candidates.given_id(line)
        batch.outcomes[line.number] = Outcome(
            line.number, State.REFUSED, given_id, fault=refusal.fault, fields=fields
        )
        return None


def _has_grantable_roles(batch: _Batch, candidate: Candidate) -> bool:
    """Refuse a line with a role that does not exist, or that has a permission of this service."""
    for name in candidate.roles:
        if name not in batch.role_ids:
            batch.refuse(candidate, Fault.ROLE_NOT_FOUND, {"roles": "has a role that does not exist"})
            return False
        if batch.role_ids[name][1]:
            fault = {"roles": "has a role with a permission of this service, which `grant` gives"}
            batch.refuse(candidate, Fault.ROLE_REFUSED, fault)
            return False
    return True


def _is_seen(batch: _Batch, candidate: Candidate, seen: set[str]) -> bool:
    if candidate.email_key not in seen:
        return False
    batch.settle(candidate, State.EXISTS, None)
    return True


def _insert(batch: _Batch, operator: Operator, left: Sequence[Candidate]) -> list[Candidate]:
    """Insert the accounts that are new; return the lines that are undecided, as another one was faster."""
    tx, chosen, later = batch.tx, dict[str, Candidate](), list[Candidate]()
    keys = {each.email_key for each in left}
    known = {account.email_key: account for account in transfers.existing(tx, keys)}
    reserved = one_time_tokens.reserved_among(tx, keys, batch.now)
    for each in left:
        account = known.get(each.email_key)
        if each.email_key in chosen:
            later.append(each)
        elif account and account.is_settled:
            batch.settle(each, State.EXISTS, account.id)
        elif each.email_key in reserved:
            batch.refuse(each, Fault.EMAIL_TAKEN)
        elif account and not _is_replaced(batch, operator, account):
            batch.refuse(each, Fault.UNCONFIRMED_ACCOUNT, _hint(batch.options))
        else:
            chosen[each.email_key] = each
    named = names.assign(batch.services, tx, chosen.values())
    added = transfers.add(tx, [_row(batch, chosen[key], name) for key, name in named.items()])
    _remove_reserved(batch, added, named)
    for key, each in chosen.items():
        if key not in added:
            later.append(each)
            continue
        batch.created.add(key)
        renamed = each.username and named[key] != each.username
        notes = (*each.notes, *([Note.USERNAME_CHANGED] if renamed else []))
        user_id = None if batch.options.dry_run else added[key]
        batch.settle(each, State.CREATED, user_id, username=named[key], notes=notes)
    _grant(batch, [(added[key], each) for key, each in chosen.items() if key in added])
    return later


def _hint(options: Options) -> Mapping[str, str]:
    if options.replace_unconfirmed:
        return {"email": "is of an account that an operator made, or that has a role: it is not replaced"}
    return {"email": "is of an account that was never confirmed, which --replace-unconfirmed erases"}


def _is_replaced(batch: _Batch, operator: Operator, account: Existing) -> bool:
    """Erase an account that registered and was never confirmed; False if it stays."""
    if not batch.options.replace_unconfirmed:
        return False
    kept_roles = batch.services.settings.new_account_roles
    if not transfers.lock_if_replaceable(batch.tx, account.id, kept_roles):
        return False
    erased = Event.ACCOUNT_ERASED
    revoke.erase(batch.services, batch.tx, account.id, erased, operator.client, operator.name)
    return True


def _remove_reserved(batch: _Batch, added: dict[str, int], named: Mapping[str, str]) -> None:
    """Remove new accounts whose address or name was given up while the insert waited for it."""
    reserved = one_time_tokens.reserved_among(batch.tx, added, batch.now)
    kept = usernames.kept_among(batch.services, batch.tx, [named[key] for key in added])
    for key in [key for key in added if key in reserved or named[key] in kept]:
        users.erase(batch.tx, added.pop(key))


def _row(batch: _Batch, candidate: Candidate, username: str) -> dict[str, Any]:
    now = batch.now
    return {
        "username": username,
        "username_key": username_key(username),
        "email": candidate.email,
        "email_key": candidate.email_key,
        "password_hash": candidate.password_hash,
        "password_changed_at": now,
        "created_at": candidate.created_at,
        "origin": Origin.IMPORTED,
        "kept_at": now,  # never erased for being unconfirmed
        "email_verified_at": now if candidate.is_verified else None,
        "disabled_at": now if candidate.is_disabled else None,
        "tokens_valid_after": now,
        "locale": candidate.locale,
        "signup_locale": candidate.signup_locale,
    }


def _grant(batch: _Batch, added: Sequence[tuple[int, Candidate]]) -> None:
    """Give the roles of new accounts, and those of the lines."""
    new = batch.services.settings.new_account_roles
    usual = [name for name, (_, has) in batch.role_ids.items() if name in new and not has]
    grants = {(user_id, batch.role_ids[name][0]) for user_id, each in added for name in (*usual, *each.roles)}
    roles.grant_many(batch.tx, sorted(grants), batch.now)
