"""Several machines as one service: the script of `deploy/`, run as `make cluster` runs it."""

import os
import subprocess
import sys

import pytest

from deploy import cluster, key_rotation
from deploy.machines import FAKETIME
from tests.support.server import ROOT


@pytest.mark.nightly
def test_three_machine_cluster_passes_every_check() -> None:
    environ = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    command = [sys.executable, "-m", "deploy.cluster"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", check.__name__] for check in cluster.CHECKS]
    assert FAKETIME.exists(), "libfaketime is not installed (Debian: apt-get install faketime)"
    assert "skipped" not in done.stdout


@pytest.mark.nightly
def test_rolling_restart_check_detects_keys_unknown_to_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the check of the rolling restart can fail."""
    roll = cluster.Cluster.roll

    def without_the_first_step(self: cluster.Cluster, **settings: str) -> None:
        if "JWT_SECRET_KEY" in settings:
            roll(self, **settings)

    monkeypatch.setattr(cluster.Cluster, "roll", without_the_first_step)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    with cluster.running() as made, pytest.raises(AssertionError, match="401"):
        cluster.rolling(made)


@pytest.mark.nightly
def test_key_rotation_check_detects_keys_unknown_to_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the check of the rotation can fail: a client has keys of before the publication."""
    fetch_keys = key_rotation.Load.fetch_keys

    def once(self: key_rotation.Load) -> None:
        if not self.published:
            fetch_keys(self)

    monkeypatch.setattr(key_rotation.Load, "fetch_keys", once)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    with cluster.running() as made, pytest.raises(AssertionError, match="KeyError"):
        cluster.keys(made)
