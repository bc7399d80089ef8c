"""A plugin of pytest: which tests run. Without `-m`, slow ones are left out."""

import gc
import re
from pathlib import Path
from typing import Any

import pytest

_SLOW, _SLOW_MODULES = pytest.StashKey[int](), pytest.StashKey[int]()
_ALL_SLOW = re.compile(r"^pytestmark = .*pytest\.mark\.(slow|nightly)\b", re.MULTILINE)


def _runs_fast_tests_only(config: pytest.Config) -> bool:
    return not config.getoption("-m") and not any("::" in argument for argument in config.args)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no module of which every test is slow when only the fast tests run."""
    if collection_path.suffix != ".py" or not _runs_fast_tests_only(config):
        return None
    if _ALL_SLOW.search(collection_path.read_text("utf-8")) is None:
        return None
    config.stash[_SLOW_MODULES] = config.stash.get(_SLOW_MODULES, 0) + 1
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    if not _runs_fast_tests_only(config):
        return
    slow = [item for item in items if item.get_closest_marker("slow") or item.get_closest_marker("nightly")]
    items[:] = [item for item in items if item not in slow]
    config.stash[_SLOW] = len(slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep what was collected out of garbage collection, which visits it again and again otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.stash.get(_SLOW, 0):
        modules = f"{config.stash.get(_SLOW_MODULES, 0)} modules and {config.stash[_SLOW]} other tests"
        terminalreporter.write_line(f"Left to `make check` and `make nightly`: {modules}")
