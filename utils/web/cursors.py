"""Opaque cursors for pagination."""

import base64
import binascii

MAX_ID = 2**63 - 1


def cursor(row_id: int) -> str:
    """Return the cursor of the page that follows this row."""
    return base64.urlsafe_b64encode(row_id.to_bytes(9, "big")).decode()


def read_cursor(text: str) -> int:
    """Return the row id of a cursor. Raises `ValueError` for other texts."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error as problem:
        raise ValueError("not a cursor") from problem
    row_id = int.from_bytes(raw, "big")
    if row_id > MAX_ID or cursor(row_id) != text:  # base64 accepts several encodings of a value
        raise ValueError("not a cursor")
    return row_id
