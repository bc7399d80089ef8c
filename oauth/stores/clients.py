"""Clients."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from oauth.stores.client_secrets import Secret
from tables.oauth import Client, OAuthClient, OAuthClientSecret, OAuthCode, OAuthGrant
from utils.database.reads import Reads

COLUMNS = [getattr(OAuthClient, name) for name in Client._fields]
_FOUND = select(*COLUMNS)
# Built once and on tables: every call of a client runs it.
_TABLE, _SECRET_TABLE = cast(Table, OAuthClient.__table__), cast(Table, OAuthClientSecret.__table__)
_SECRETS, _NOW = _SECRET_TABLE.c, bindparam("now", type_=_SECRET_TABLE.c.expires_at.type)
_AFTER_CLIENT, _PERMISSION = len(COLUMNS), Client._fields.index("required_permission")
_MATCHING = and_(
    _SECRETS.client_id == _TABLE.c.id,
    _SECRETS.digest == bindparam("given"),
    or_(_SECRETS.expires_at.is_(None), _SECRETS.expires_at > _NOW),
)
# For statements that read the client that calls, its living secret and more (`as_calling`).
CALLING = [
    *(_TABLE.c[name] for name in Client._fields),
    _TABLE.c.last_used_at,
    *(_SECRETS[name] for name in Secret._fields),
]
CALLER, IS_CALLER = _TABLE.outerjoin(_SECRET_TABLE, _MATCHING), _TABLE.c.id == bindparam("of_caller")
_CALLING = select(*CALLING).select_from(CALLER).where(IS_CALLER)
_KNOWN = select(*CALLING[:_AFTER_CLIENT]).where(IS_CALLER)
_ANY = select(OAuthClient.id).limit(1)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ClientGrant(NamedTuple):
    """What a grant of a client covers."""

    id: UUID
    scopes: list[str]
    resource: str | None
    offline: bool


class Calling(NamedTuple):
    """A client that calls, when it was last used, and its living secret of the digest that was given."""

    client: Client
    last_used_at: datetime | None
    secret: Secret | None


class Registered(NamedTuple):
    """A client, and what only operators are shown of it."""

    client: Client
    preset: str | None
    created_by: str | None
    last_used_at: datetime | None


def is_client_id(text: str) -> bool:
    """Whether a client can have this id: 1 to 64 ASCII letters, digits and `._-`, with no sign first."""
    return _ID.fullmatch(text) is not None


def find(tx: Session, client_id: str) -> Client | None:
    """Return the client of this id, disabled or not. The id may be any text, also one with a NUL."""
    if not is_client_id(client_id):
        return None
    row = tx.execute(_FOUND.where(OAuthClient.id == client_id)).one_or_none()
    return Client._make(row) if row else None


def known(reads: Reads, client_id: str) -> Client | None:
    """Return as `find`, by a statement of its own: what strangers ask for needs no transaction."""
    row = reads.first(_KNOWN, {"of_caller": client_id}) if is_client_id(client_id) else None
    return Client._make(row) if row else None


def calling(reads: Reads, client_id: str, digest: bytes, now: datetime) -> Calling | None:
    """Return a client, when it was last used, and its living secret of this digest. One statement.

    The id has the form of one, or is empty (`clients.credentials`): an unknown client costs the same.
    """
    row = reads.first(_CALLING, values_of_caller(client_id, digest, now))
    return as_calling(row) if row is not None else None


def values_of_caller(client_id: str, digest: bytes, now: datetime) -> dict[str, Any]:
    """Return the values of a statement with `CALLING`."""
    return {"of_caller": client_id, "given": digest, "now": now}


def as_calling(row: Sequence[Any]) -> Calling:
    """Return the columns `CALLING` of a row as an object."""
    last_used_at, *secret = row[_AFTER_CLIENT:]
    return Calling(
        Client._make(row[:_AFTER_CLIENT]), last_used_at, Secret._make(secret) if secret[0] else None
    )


def needs_roles(row: Sequence[Any], scopes: Sequence[str] | None) -> bool:
    """Whether roles count for the client of a row of `CALLING`, with a grant or code of these scopes."""
    return row[_PERMISSION] is not None or "roles" in (scopes or ())


def by_name(tx: Session, name: str) -> Registered | None:
    """Return the client of this id, or else the one of this name."""
    named = _registered().where(or_(OAuthClient.id == name, OAuthClient.name == name))
    row = tx.execute(named.order_by((OAuthClient.id == name).desc(), OAuthClient.id).limit(1)).one_or_none()
    return _split(row) if row else None


def every(tx: Session) -> Sequence[Registered]:
    """Return all clients, by id."""
    return [_split(row) for row in tx.execute(_registered().order_by(OAuthClient.id))]


def exists(tx: Session, client_id: str, name: str) -> bool:
    """Whether a client has this id or name."""
    taken = or_(OAuthClient.id == client_id, OAuthClient.name == name)
    return tx.execute(select(OAuthClient.id).where(taken).limit(1)).first() is not None


def count(tx: Session) -> int:
    """Return how many clients there are."""
    return len(tx.execute(select(OAuthClient.id)).all())


def any_registered(reads: Reads) -> bool:
    """Whether there is a client, disabled or not."""
    return reads.first(_ANY, {}) is not None


def add(tx: Session, values: Mapping[str, Any]) -> None:
    """Add a client. `values` has a value for every column without a default."""
    tx.execute(insert(OAuthClient).values(**values))


def change(tx: Session, client_id: str, values: Mapping[str, Any]) -> bool:
    """Change columns of a client; False if there is none."""
    changed = update(OAuthClient).where(OAuthClient.id == client_id).values(**values)
    return tx.execute(changed.returning(OAuthClient.id)).first() is not None


def disable(tx: Session, client_id: str, now: datetime) -> bool:
    """Disable a client; False if it is disabled already."""
    enabled = update(OAuthClient).where(OAuthClient.id == client_id, OAuthClient.disabled_at.is_(None))
    return tx.execute(enabled.values(disabled_at=now).returning(OAuthClient.id)).first() is not None


def enable(tx: Session, client_id: str) -> bool:
    """Enable a client; False if it is enabled already."""
    disabled = update(OAuthClient).where(OAuthClient.id == client_id, OAuthClient.disabled_at.is_not(None))
    return tx.execute(disabled.values(disabled_at=None).returning(OAuthClient.id)).first() is not None


def remove(tx: Session, client_id: str) -> None:
    """Delete a client with its secrets, codes and consents. Its grants lose their client."""
    tx.execute(delete(OAuthClient).where(OAuthClient.id == client_id))


def lock(tx: Session, client_id: str) -> None:
    """Lock a client: until the end of the transaction no code of it is issued or redeemed.

    Comes before the locks of its codes and grants, as everywhere.
    """
    tx.execute(select(OAuthClient.id).where(OAuthClient.id == client_id).with_for_update()).all()


def lock_shared(tx: Session, client_id: str) -> None:
    """Lock a client against changes of what it may ask for, and against removal, until the transaction ends.

    Those changes lock it by `lock`.
    """
    mine = select(OAuthClient.id).where(OAuthClient.id == client_id)
    tx.execute(mine.with_for_update(read=True, key_share=True)).all()


def void_codes(tx: Session, client_id: str) -> None:
    """Delete the codes of a client that were not redeemed. The client must be locked."""
    tx.execute(delete(OAuthCode).where(OAuthCode.client_id == client_id, OAuthCode.used_at.is_(None)))


def delete_codes(tx: Session, client_id: str) -> None:
    """Delete the codes of a client, redeemed or not. The client must be locked."""
    tx.execute(delete(OAuthCode).where(OAuthCode.client_id == client_id))


def living_grants(tx: Session, client_id: str) -> list[ClientGrant]:
    """Return what each grant of a client covers that has not ended."""
    columns = [getattr(OAuthGrant, name) for name in ClientGrant._fields]
    found = select(*columns).where(OAuthGrant.client_id == client_id, OAuthGrant.ended_at.is_(None))
    return [ClientGrant._make(row) for row in tx.execute(found)]


def note_use(tx: Session, client_id: str, now: datetime, interval: timedelta) -> None:
    """Record that a client was used, unless a use within `interval` is recorded.

    Of concurrent callers one writes. A time that is further in the future was written before the clock was
    set back.
    """
    last = OAuthClient.last_used_at
    is_due = or_(last.is_(None), last <= now - interval, last >= now + interval)
    tx.execute(update(OAuthClient).where(OAuthClient.id == client_id, is_due).values(last_used_at=now))


def _registered() -> Any:
    return select(*COLUMNS, OAuthClient.preset, OAuthClient.created_by, OAuthClient.last_used_at)


def _split(row: Any) -> Registered:
    return Registered(Client._make(row[: len(COLUMNS)]), *row[len(COLUMNS) :])
