"""Responses from a temporary file: limits, chunks, and the one end of each."""

from collections.abc import Iterator
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from threading import Event
from typing import Any

import pytest

from tests.support.failing_services import without_threads
from utils.errors import ApiError, Busy, Unavailable
from utils.web.spooling import CHUNK, IN_MEMORY, SpoolLimits, spooled

LIMITS = SpoolLimits(size=8 * IN_MEMORY, write_seconds=60, send_seconds=60, too_large=ApiError)


class Ends:
    """Counts its calls."""

    def __init__(self) -> None:
        self.number, self.happened = 0, Event()

    def __call__(self) -> None:
        self.number += 1
        self.happened.set()


def letters(size: int) -> Iterator[str]:
    """Yield this many kilobytes of text."""
    return ("x" * 1024 for _ in range(size))


@pytest.fixture
def ends() -> Ends:
    return Ends()


def test_body_has_a_length_and_is_sent_in_chunks(ends: Ends) -> None:
    response = spooled(letters(300), ends, LIMITS)
    assert response.headers["Content-Length"] == str(300 * 1024)
    assert response.mimetype == "application/json"
    chunks = [*response.response]
    assert b"".join(chunks) == b"x" * 300 * 1024
    assert max(map(len, chunks)) <= CHUNK
    assert ends.number == 1
    response.close()
    assert ends.number == 1


def test_large_body_is_on_the_disk(ends: Ends) -> None:
    files: list[Any] = []

    def opened(size: int) -> Any:
        files.append(SpooledTemporaryFile(size))  # noqa: SIM115  (the body closes it)
        return files[-1]

    responses = [spooled(letters(size), ends, LIMITS, opened) for size in (1024, 1025)]
    assert [file._rolled for file in files] == [False, True]
    for response in responses:
        response.close()
    assert all(file.closed for file in files)


@pytest.mark.provokes_errors
@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (replace(LIMITS, size=1023), ApiError),
        (replace(LIMITS, write_seconds=-1), Busy),
    ],
)
def test_body_over_a_limit_is_an_error_and_ends(ends: Ends, limits: SpoolLimits, error: type) -> None:
    with pytest.raises(error):
        spooled(letters(1), ends, limits)
    assert ends.number == 1


def test_failure_of_a_piece_is_raised_and_ends(ends: Ends) -> None:
    def pieces() -> Iterator[str]:
        yield "x"
        raise KeyError("y")

    with pytest.raises(KeyError):
        spooled(pieces(), ends, LIMITS)
    assert ends.number == 1


@pytest.mark.provokes_errors
def test_full_disk_is_a_503_and_ends(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    class Full(SpooledTemporaryFile[bytes]):
        def rollover(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable):
        spooled(letters(1025), ends, LIMITS, Full)
    assert ends.number == 1
    assert [record.getMessage() for record in caplog.records] == ["temporary file not written"]


def test_response_whose_timer_cannot_start_is_an_error_and_ends(ends: Ends) -> None:
    with without_threads(), pytest.raises(RuntimeError):
        spooled(letters(1), ends, LIMITS)
    assert ends.number == 1


def test_sending_ends_after_its_time(ends: Ends) -> None:
    response = spooled(letters(300), ends, replace(LIMITS, send_seconds=0.01))
    chunks = iter(response.response)
    assert ends.happened.wait(10)
    with pytest.raises(TimeoutError):
        next(chunks)
    response.close()
    assert ends.number == 1
