"""Properties of the machine: hashes per second, load, and resource use of processes."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from werkzeug.security import generate_password_hash

PASSWORD = "correct horse battery"
CORES = os.cpu_count() or 1


def _hashes(method: str, seconds: float) -> float:
    """Return the hashes per second of one process."""
    began, count = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        generate_password_hash(PASSWORD, method, salt_length=32)
        count += 1
    return count / (time.perf_counter() - began)


def raw_hashes(method: str, seconds: float) -> float:
    """Return the hashes per second on all cores."""
    with ProcessPoolExecutor(CORES) as pool:
        return sum(pool.map(_hashes, [method] * CORES, [seconds] * CORES))


class Noise:
    """The load and steal time of the machine since this object was created."""

    def __init__(self) -> None:
        self._before = self._times()

    @staticmethod
    def _times() -> list[int]:
        return [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]

    def __str__(self) -> str:
        passed = [now - before for now, before in zip(self._times(), self._before, strict=True)]
        steal = 100 * passed[7] / max(1, sum(passed))
        return f"{CORES} cores, load {os.getloadavg()[0]:.1f}, steal {steal:.1f} %"


def _children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # the process has ended
        return []
    return [each for child in map(int, found) for each in (child, *_children(child))]


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a server, or the server itself if it has none."""
    below = [each for each in _children(pid) if b"resource_tracker" not in _command(each)]
    return below or [pid]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def cpu_seconds(pid: int) -> float:
    """Return the processor time of the workers, in seconds."""
    ticks = 0
    for each in workers_of(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_idle(pid: int, seconds: float = 60) -> None:
    """Wait until the workers are idle: a load that ends leaves unfinished requests.

    Raises `RuntimeError` after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = cpu_seconds(pid)
        time.sleep(0.5)
        if cpu_seconds(pid) - before < 0.05:  # a tenth of a processor
            return
    raise RuntimeError("the service did not become idle")


def memory(pid: int, what: str = "VmRSS") -> float:
    """Return the memory of the largest worker in MB: current (`VmRSS`) or peak (`VmHWM`)."""
    sizes = []
    for each in workers_of(pid):
        lines = Path(f"/proc/{each}/status").read_text().splitlines()
        sizes += [int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:")]
    return max(sizes)
