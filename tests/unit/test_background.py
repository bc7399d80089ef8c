"""Background threads of a serving process: their start, and their end with the process."""

import multiprocessing.util
from collections.abc import Callable, Iterator
from threading import Event
from time import monotonic
from typing import Any

import pytest

from tests.support.failing_services import without_threads
from tests.support.server import until
from utils import background
from utils.background import STOP_TIMEOUT, BackgroundTask
from utils.serving import server
from utils.serving.first_request import AtFirstRequest

Make = Callable[[Callable[[], bool]], BackgroundTask]
SOON = 4  # seconds; this machine may be busy


@pytest.fixture
def errors() -> list[str]:
    return []


@pytest.fixture
def make(errors: list[str]) -> Iterator[Make]:
    """Make tasks that run when they are woken."""
    tasks: list[BackgroundTask] = []

    def made(step: Callable[[], bool]) -> BackgroundTask:
        task = BackgroundTask("a-step", step, interrupted=errors.append, in_background=True, poll=3600)
        tasks.append(task)
        return task

    yield made
    for task in tasks:
        task.stop()


def run_finalizers() -> None:
    """Do what a worker process does at its end."""
    utilities: Any = multiprocessing.util
    utilities._run_finalizers(10)


def test_thread_that_could_not_start_is_started_by_the_next_call(make: Make, errors: list[str]) -> None:
    done = Event()

    def step() -> bool:
        done.set()
        return False

    task = make(step)
    with without_threads():
        assert task.serve() is False
        task.wake()
    assert errors == ["RuntimeError"] * 2
    assert task.serve() is True
    task.wake()
    until(done.is_set, "the step")


def test_task_whose_thread_could_not_start_can_be_stopped(make: Make) -> None:
    task = make(lambda: False)
    with without_threads():
        task.wake()
    task.stop()
    assert task.serve() is True  # nothing is left to do
    assert task._thread is None


def test_threads_are_asked_to_stop_before_one_is_awaited(make: Make) -> None:
    tasks: list[BackgroundTask] = []
    steps = [Event(), Event()]

    def step(own: int, other: int) -> bool:
        steps[own].set()
        return tasks[other]._stopped.wait(30)

    tasks += [make(lambda: step(0, 1)), make(lambda: step(1, 0))]
    for task in tasks:
        task.wake()
    until(lambda: all(begun.is_set() for begun in steps), "both steps")
    began = monotonic()
    run_finalizers()
    assert monotonic() - began < SOON
    assert not any(task._thread and task._thread.is_alive() for task in tasks)


def test_all_threads_together_have_the_time_of_one_to_stop(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = Event(), Event()

    def step() -> bool:
        begun.set()
        return not may_end.wait(30)

    task = make(step)
    task.wake()
    assert begun.wait(30)
    task.ask_to_stop()
    later, began = monotonic() + STOP_TIMEOUT, monotonic()
    monkeypatch.setattr(background, "monotonic", lambda: later)
    task.stop()
    assert monotonic() - began < SOON
    may_end.set()
    assert STOP_TIMEOUT < server.STOP_TIMEOUT  # after which the worker is killed


def test_action_of_the_first_request_is_repeated_until_it_succeeds() -> None:
    results, called = iter([False, True]), list[str]()

    def action() -> bool:
        called.append("action")
        return next(results)

    application = AtFirstRequest(lambda _environ, _start: [b"served"], action)
    assert [application({}, print) for _ in range(3)] == [[b"served"]] * 3
    assert called == ["action"] * 2
