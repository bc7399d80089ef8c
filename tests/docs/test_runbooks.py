"""Runbooks of the operator guide: their commands are executed, and what they promise is tried."""

import re
from pathlib import Path

import pytest

from tests.support.documents import section
from tests.support.runbooks import KEYS, Deployment, Owner, close, runbook
from tests.support.service import events, me, refresh

pytestmark = pytest.mark.slow


@pytest.fixture
def deployment(sqlite_template: Path, tmp_path: Path) -> Deployment:
    path = tmp_path / "auth.db"
    path.write_bytes(sqlite_template.read_bytes())
    return Deployment(tmp_path, path)


# The steps for `flask` are those for `jwt` and one more.
@pytest.mark.parametrize("key", ["flask", pytest.param("jwt", marks=pytest.mark.nightly)])
def test_sessions_and_authenticator_apps_survive_the_rotation_of_a_key(
    deployment: Deployment, key: str
) -> None:
    running, before = deployment.started(), deployment.key(key)
    started, owner = [running], Owner(running, deployment.clock)
    token = owner.log_in(running)["refresh_token"]
    for block in runbook("rotate"):
        printed = deployment.run(block, key=key)
        if "doctor" in block:
            promised = re.findall(r"must\s+say `(.+?)`, `doctor` `(.+?)`", section("rotate"))
            assert [text for text in promised[0] if text not in printed] == [], printed
        restarted = deployment.started()
        started.append(restarted)
        for client in (restarted, running, restarted):  # restarted one by one, they serve together
            answer = refresh(client, token)
            assert answer.status_code == 200, block
            token = answer.get_json()["refresh_token"]
            for each in (running, restarted):
                assert me(each, answer.get_json()["access_token"]).status_code == 200, block
        running = restarted
        owner.log_in(running)
    assert deployment.key(key) != before
    assert set(deployment.files()) == {"FLASK_SECRET_KEY_FILE", "JWT_SECRET_KEY_FILE"}
    close(*started)


def test_authenticator_apps_survive_the_replacement_of_leaked_keys_and_sessions_do_not(
    deployment: Deployment,
) -> None:
    old = deployment.started()
    owner, before = Owner(old, deployment.clock), {key: deployment.key(key) for key in KEYS}
    stolen = owner.log_in(old)
    first, *later = runbook("leaked")
    deployment.run(first)
    new = deployment.started()
    assert me(new, stolen["access_token"]).status_code == 401
    assert refresh(new, stolen["refresh_token"]).status_code == 401
    for block in later:
        deployment.run(block)
    owner.log_in(new)
    assert all(deployment.key(key) != before[key] for key in KEYS)
    assert not list(deployment.secrets.glob("*leaked*"))
    assert {"secrets_resealed", "all_sessions_ended"} <= set(events(new.application))
    close(old, new)
