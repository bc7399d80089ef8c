"""Responses that are written to a temporary file first, and then sent in chunks.

While the file is written, a failure is an ordinary error response. While a client reads, the process holds a
chunk and a file, at most for `send_seconds`.
"""

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Lock, Timer
from time import monotonic
from typing import IO

from flask import Response

from utils.errors import ApiError, Busy, Unavailable

log = logging.getLogger("auth")

CHUNK = 64 * 1024  # bytes
IN_MEMORY = 1024 * 1024  # bytes; more are on the disk, under TMPDIR


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Limits of one response: bytes, seconds to write and to send it, and the error if it is too large."""

    size: int
    write_seconds: float
    send_seconds: float
    too_large: type[ApiError]


def spooled(
    pieces: Iterable[str],
    end: Callable[[], None],
    limits: SpoolLimits,
    new_file: Callable[[int], IO[bytes]] = tempfile.SpooledTemporaryFile,
) -> Response:
    """Return a JSON response made of these pieces, which are all read before.

    `end` is called once, in any thread: when the response was sent, when its client is gone, when the time to
    send is over, or when writing failed. Raises what the pieces raise, `limits.too_large`, `Busy` if writing
    takes too long, and `Unavailable` if the file cannot be written.
    """
    file = new_file(IN_MEMORY)
    body = _FileBody(file, end)
    try:
        size = _write(file, pieces, limits)
        file.seek(0)
        body.close_after(limits.send_seconds)
    except OSError as problem:
        body.close()
        log.error("temporary file not written", extra={"error": type(problem).__name__})  # noqa: TRY400
        raise Unavailable from None
    except BaseException:
        body.close()
        raise
    response = Response(body, mimetype="application/json")
    response.content_length = size
    return response


def _write(file: IO[bytes], pieces: Iterable[str], limits: SpoolLimits) -> int:
    """Write the pieces; return their size in bytes."""
    size, deadline = 0, monotonic() + limits.write_seconds
    for piece in pieces:
        data = piece.encode()
        size += len(data)
        if size > limits.size:
            raise limits.too_large
        if monotonic() > deadline:
            raise Busy
        file.write(data)
    return size


class _FileBody:
    """The chunks of a file. Closes it once: at its end, by the server, or after a time."""

    def __init__(self, file: IO[bytes], end: Callable[[], None]) -> None:
        self._file, self._lock = file, Lock()
        self._end: Callable[[], None] | None = end
        self._timer: Timer | None = None

    def close_after(self, seconds: float) -> None:
        """Close the file after this time, even if the server waits for the client."""
        self._timer = Timer(seconds, self.close)
        self._timer.daemon = True
        self._timer.start()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._lock:
            if self._file.closed:
                # The response is not complete: an exception makes the server close the connection.
                raise TimeoutError("the response was not read in time")
            chunk = self._file.read(CHUNK)
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        with self._lock:
            end, self._end = self._end, None
            self._file.close()
        if self._timer is not None:
            self._timer.cancel()
        if end is not None:
            end()
