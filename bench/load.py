"""Loads made by wrk, and what they found: answers that were right, answers that were refused, times."""

import json
import re
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPORT = """
done = function(summary, latency, requests)
  local bad = summary.errors
  io.write(string.format(
    '\\nREPORT {"answers": %d, "microseconds": %d, "refused": %d, "failed": %d, "p99": %f}\\n',
    summary.requests, summary.duration, bad.status,
    bad.connect + bad.read + bad.write + bad.timeout, latency:percentile(99)))
end
"""
MANY_ADDRESSES = """
function request()
  wrk.headers["X-Forwarded-For"] = string.format("10.%d.%d.1", math.random(0, 255), math.random(0, 255))
  return wrk.format()
end
"""
# Each thread of wrk has tokens of its own. A connection takes one, and gives back its successor.
ROTATING = """
local number = 0
function setup(thread)
  thread:set("mine", shares[number % #shares + 1])
  number = number + 1
end
function init(args)
  queue, first, last = {}, 1, 0
  for token in string.gmatch(mine, "%S+") do last = last + 1; queue[last] = token end
end
function request()
  local token = queue[first]
  queue[first] = nil
  first = first + 1
  return wrk.format("POST", nil, nil, '{"refresh_token": "' .. token .. '"}')
end
function response(status, headers, body)
  local token = string.match(body, '"refresh_token": *"([^"]+)"')
  if token then last = last + 1; queue[last] = token end
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a load found."""

    good: float  # right answers a second
    refused: float  # others a second
    p99: float  # milliseconds, of all answers
    answers: int


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the service answers. Raises `HTTPError` for a refusal."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


class Wrk:
    """A load to come. As a process, so that two of them can run at once."""

    def __init__(
        self,
        url: str,
        seconds: float,
        folder: Path,
        *,
        connections: int,
        token: str | None = None,
        body: dict[str, Any] | None = None,
        refresh_tokens: list[str] | None = None,
        many_addresses: bool = False,
    ) -> None:
        threads = min(2, connections)
        script = folder / f"load-{connections}-{id(self)}.lua"
        lines = [REPORT, 'wrk.headers["Content-Type"] = "application/json"']
        if token:
            lines += [f'wrk.headers["Authorization"] = "Bearer {token}"']
        if body is not None:
            lines += ['wrk.method = "POST"', f"wrk.body = '{json.dumps(body)}'"]
        if refresh_tokens is not None:
            shares = (" ".join(refresh_tokens[share::threads]) for share in range(threads))
            lines += ["shares = {" + ", ".join(f'"{share}"' for share in shares) + "}", ROTATING]
        if many_addresses:
            lines += [MANY_ADDRESSES]
        script.write_text("\n".join(lines) + "\n")
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s"]
        self._process = subprocess.Popen(
            [*command, "-s", str(script), url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def found(self) -> Load:
        """Wait until it is over. Raises `RuntimeError` where calls got no answer at all."""
        said, _ = self._process.communicate()
        report = re.search(r"^REPORT (.*)$", said, re.MULTILINE)
        if report is None:
            raise RuntimeError(f"wrk: {said}")
        told = json.loads(report[1])
        if told["failed"]:
            raise RuntimeError(f"{told['failed']} calls got no answer: {said}")
        seconds = told["microseconds"] / 1e6
        return Load(
            good=(told["answers"] - told["refused"]) / seconds,
            refused=told["refused"] / seconds,
            p99=told["p99"] / 1000,
            answers=told["answers"],
        )


def load(url: str, seconds: float, folder: Path, **how: Any) -> Load:
    """What a load finds whose calls must all be right: a refusal makes its figure worthless."""
    found = Wrk(url, seconds, folder, **how).found()
    if found.refused:
        raise RuntimeError(f"{url} refused calls: {found}")
    return found
