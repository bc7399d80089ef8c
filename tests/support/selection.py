"""A plugin of pytest: which tests run, folder by folder. Without `-m`, slow ones are left out."""

import gc
import importlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support import fast_beginnings

_TESTS = Path(__file__).parent.parent
_SLOW, _SLOW_MODULES = pytest.StashKey[int](), pytest.StashKey[int]()
_ALL_SLOW = re.compile(r"^pytestmark = .*pytest\.mark\.(slow|nightly)\b", re.MULTILINE)
_MARKED = {"slow": re.compile(r"\b(slow|browser)\b"), "nightly": re.compile(r"\bnightly\b")}


def _runs_fast_tests_only(config: pytest.Config) -> bool:
    return not config.getoption("-m") and not any("::" in argument for argument in config.args)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no module without a test to run."""
    if not _has_none_to_run(collection_path, config):
        return None
    config.stash[_SLOW_MODULES] = config.stash.get(_SLOW_MODULES, 0) + 1
    return True


def _has_none_to_run(path: Path, config: pytest.Config) -> bool:
    """Whether `-m` deselects every test of a module: slow ones without it, those without its mark with it.

    `-m "slow and not nightly"` and `-m nightly` begin with the mark that is required.
    """
    if path.suffix != ".py" or not path.name.startswith("test_"):
        return False
    if _runs_fast_tests_only(config):
        return _ALL_SLOW.search(path.read_text("utf-8")) is not None
    required, *more = str(config.getoption("-m")).split() or [""]
    if required not in _MARKED or (more and more[0] != "and"):
        return False
    # A fixture of the folder, or of one above it, may need `browser`, which makes a test slow.
    folders = [folder for folder in path.parents if folder.is_relative_to(_TESTS) and folder != _TESTS]
    files = [path, *(folder / "conftest.py" for folder in folders)]
    return not any(_MARKED[required].search(each.read_text("utf-8")) for each in files if each.exists())


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import the test modules in another order in each worker of xdist.

    So each worker rewrites the assertions of other modules, and finds what the others have written. All
    workers of a new checkout would rewrite every module, which takes half of the time until the first test.
    """
    worker: dict[str, Any] | None = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args != ["tests"]:
        return
    paths = [path for path in sorted(_TESTS.rglob("test_*.py")) if not _has_none_to_run(path, session.config)]
    first = len(paths) * int(worker["workerid"].removeprefix("gw")) // int(worker["workercount"])
    for path in (*paths[first:], *paths[:first]):
        with suppress(Exception):  # the collection reports it
            importlib.import_module(".".join(path.relative_to(_TESTS.parent).with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    if not _runs_fast_tests_only(config):
        _keep_packages_together(items)
        return
    fast = [item for item in items if not any(item.get_closest_marker(name) for name in _MARKED)]
    config.stash[_SLOW] = len(items) - len(fast)
    items[:] = fast


def _keep_packages_together(items: list[pytest.Item]) -> None:
    """Order shuffled modules by folder: a fixture of a package, such as a server, ends where its tests end.

    The tests in browsers come last: many short ones, which balance the load of the workers.
    """
    ranks: dict[Path, int] = {}

    def rank(item: pytest.Item) -> tuple[bool, int, int]:
        folder = item.path.parent
        top = next((each for each in (folder, *folder.parents) if each.parent == _TESTS), folder)
        of_top, of_folder = (ranks.setdefault(each, len(ranks)) for each in (top, folder))
        return folder.name == "browser", of_top, of_folder

    items.sort(key=rank)


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    is_patched = "monkeypatch" in getattr(item, "fixturenames", ())
    fast_beginnings.allow(may_begin=not is_patched and not item.get_closest_marker("no_recordings"))
