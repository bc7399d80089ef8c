"""The rules of refresh token rotation as functions."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from utils.token_rotation import Standing, standing

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Row(NamedTuple):
    generation: int
    rotated_at: datetime | None


@pytest.mark.parametrize(
    ("generation", "seconds_ago", "expected"),
    [
        (6, 5, Standing.NEWER),
        (5, 0, Standing.PRESENT),
        (5, 86_400, Standing.PRESENT),
        (4, 0, Standing.PARENT_IN_GRACE),
        (4, 20, Standing.PARENT_IN_GRACE),
        (4, 21, Standing.REUSED),
        (4, -20, Standing.PARENT_IN_GRACE),  # the clock was set back
        (4, -21, Standing.REUSED),
        (3, 0, Standing.REUSED),  # the grandparent has no grace
        (0, 0, Standing.REUSED),
    ],
)
def test_standing_of_a_refresh_token(generation: int, seconds_ago: float, expected: Standing) -> None:
    row = Row(5, NOW - timedelta(seconds=seconds_ago))
    assert standing(generation, row, NOW) is expected


def test_token_of_a_row_that_was_never_rotated_is_present_or_newer() -> None:
    assert standing(0, Row(0, None), NOW) is Standing.PRESENT
    assert standing(1, Row(0, None), NOW) is Standing.NEWER
