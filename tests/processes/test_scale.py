"""`make scale` at a tiny size: every measured call succeeds, and every statement has a query plan."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from bench import scale
from bench.accounts import Place, place
from bench.plans import large_tables
from bench.population import Size, bytes_a_row
from tests.conftest import emptied

pytestmark = pytest.mark.nightly

SIZE = Size(200, 1_000, 1_000)
CALLS = [
    *("me", "permission", "login, known device", "login, new device", "refresh", "sessions", "activity"),
    *("apps", "userinfo", "code for tokens", "refresh of an app"),
]
OVER = (
    "SELECT count(*) FROM sessions WHERE least(ended_at, idle_end, absolute_end) < now() - interval '30 days'"
)


@pytest.fixture
def tiny(postgres_uri: str) -> Iterator[Place]:
    with place(emptied(postgres_uri), SIZE) as found:
        yield found


def _over(where: Place) -> int:
    with where.engine.connect() as connection:
        return int(connection.scalar(text(OVER)) or 0)


def test_every_measured_call_succeeds_and_has_a_plan(tiny: Place) -> None:
    rows = {table: count for table, (count, _, _) in bytes_a_row(tiny.engine).items()}
    assert (rows["users"], rows["sessions"], rows["audit_events"]) == SIZE
    times = scale.in_turns([tiny, tiny], rounds=2, warm=1)
    assert [sorted(each) for each in times] == [sorted(CALLS)] * 2
    assert {len(each) for each in times[0].values()} == {2}
    found = scale.plans(tiny)
    assert [*found] == CALLS
    assert len(found["me"]) == 1  # the one statement of a guarded call
    assert all(any(plan.scans for plan in statements) for statements in found.values())


def test_prune_under_load_deletes_expired_sessions(
    tiny: Place, postgres_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _over(tiny) > 0
    scale.report_prune(tiny, postgres_uri, calm_seconds=2)
    assert "during prune" in capsys.readouterr().out
    assert _over(tiny) == 0


def test_sequential_scan_of_a_large_table_is_flagged(tiny: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert "sessions" in large_tables(tiny.engine, SIZE.sessions)
    assert "users" not in large_tables(tiny.engine, SIZE.sessions)
    found = scale.prune_plans(tiny)
    assert {name for name, statements in found.items() if len(statements) != 1} == set()
    for large, flagged in (({"sessions"}, True), (set[str](), False)):
        scale.report_plans(found, large)
        assert ("SEQ SCAN" in capsys.readouterr().out) is flagged
