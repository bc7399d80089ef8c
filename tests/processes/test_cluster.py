"""Many machines are one service: the script of `deploy/`, run as `make cluster` runs it."""

import os
import subprocess
import sys

import pytest

from deploy import cluster
from deploy.machines import FAKETIME
from tests.support.server import ROOT


@pytest.mark.nightly
def test_three_machines_are_one_service() -> None:
    environ = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    command = [sys.executable, "-m", "deploy.cluster"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", check.__name__] for check in cluster.CHECKS]
    assert FAKETIME.exists(), "libfaketime is not installed (Debian: apt-get install faketime)"
    assert "left out" not in done.stdout


@pytest.mark.nightly
def test_new_keys_that_are_not_known_everywhere_first_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the rolling restart can fail."""
    roll = cluster.Cluster.roll

    def without_the_first_step(self: cluster.Cluster, **settings: str) -> None:
        if "JWT_SECRET_KEY" in settings:
            roll(self, **settings)

    monkeypatch.setattr(cluster.Cluster, "roll", without_the_first_step)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    with cluster.running() as made, pytest.raises(AssertionError, match="401"):
        cluster.rolling(made)
