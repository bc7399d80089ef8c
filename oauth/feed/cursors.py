"""The cursors of the revocation feed: texts that a resource sends back as it got them."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

MAX_TEXT = 56  # characters
_VERSION = 1
_HEAD = struct.Struct(">BxQQ")  # version, microseconds since 1970, number
_ROW = struct.Struct(">Q16s")  # microseconds since 1970, grant id
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Row(NamedTuple):
    """The last row of a page."""

    ended_at: datetime
    id: UUID


class Place(NamedTuple):
    """How far a resource has read.

    `began` is the time of the first page. `known` is how many grants had ended in the minute before it,
    without the last seconds. `page` is the last row that was read, if there are more pages.
    """

    began: datetime
    known: int
    page: Row | None = None


def text(place: Place) -> str:
    """Return the cursor of a place: 24 characters of base64url, or 56 with a row."""
    raw = _HEAD.pack(_VERSION, _micros(place.began), place.known)
    if place.page:
        raw += _ROW.pack(_micros(place.page.ended_at), place.page.id.bytes)
    return base64.urlsafe_b64encode(raw).decode()


def read(given: str) -> Place:
    """Return the place of a cursor. Raises `ValueError` for other texts."""
    try:
        raw = base64.b64decode(given, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as problem:
        raise ValueError("not a cursor") from problem
    if len(raw) not in {_HEAD.size, _HEAD.size + _ROW.size}:
        raise ValueError("not a cursor")
    version, began, known = _HEAD.unpack_from(raw)
    ended_at, grant_id = _ROW.unpack_from(raw, _HEAD.size) if len(raw) > _HEAD.size else (0, None)
    if version != _VERSION or max(began, ended_at) > _END:
        raise ValueError("not a cursor")
    row = Row(_moment(ended_at), UUID(bytes=grant_id)) if grant_id else None
    found = Place(_moment(began), known, row)
    if text(found) != given:  # base64 accepts several encodings of a value
        raise ValueError("not a cursor")
    return found


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND
