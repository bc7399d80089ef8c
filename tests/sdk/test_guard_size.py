"""The guard stays short enough to be read before it is installed."""

from tests.support.architecture import ROOT

GUARD = ROOT / "sdk" / "python" / "auth_guard"
OPTIONAL = {"tokens.py", "feed.py", "django.py"}  # loaded by their users only


def test_guard_has_fewer_than_300_lines() -> None:
    modules = [path for path in GUARD.rglob("*.py") if path.name not in OPTIONAL]
    assert 0 < sum(len(path.read_text().splitlines()) for path in modules) < 300
