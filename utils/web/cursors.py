"""Cursors: where the next page begins, as a text that callers hand back as it is."""

import base64
import binascii

MAX_ID = 2**63 - 1


def cursor(row_id: int) -> str:
    """The cursor of the page below this row."""
    return base64.urlsafe_b64encode(row_id.to_bytes(9, "big")).decode()


def read_cursor(text: str) -> int:
    """The row that the page is below. Raises `ValueError` for what is no cursor."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error as problem:
        raise ValueError("no cursor") from problem
    row_id = int.from_bytes(raw, "big")
    if row_id > MAX_ID or cursor(row_id) != text:  # base64 takes more padding than it makes
        raise ValueError("no cursor")
    return row_id
