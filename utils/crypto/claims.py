"""The form and the times of tokens (RFC 7515, 7.1; RFC 7519, 2)."""

import re

CLOCK_LEEWAY = 30  # seconds by which `iat` may be in the future: clocks of machines differ
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
LAST_SECOND = 253_402_300_799  # of the year 9999


def numeric_date(value: object) -> float:
    """Return a NumericDate (RFC 7519, 2). Raises `ValueError` for text, booleans, and times out of range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LAST_SECOND:
        raise ValueError("not a NumericDate")
    return float(value)
