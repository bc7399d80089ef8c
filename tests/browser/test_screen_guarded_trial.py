"""The guarded site on one machine, as the guide has it: plain http on names below localhost, in Chromium."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from bench.chromium import chromium
from tests.support.documents import example
from tests.support.programs import executable
from tests.support.project import ROOT
from tests.support.provider import running_client
from tests.support.screen_steps import fill_login, heading, submit
from tests.support.screens import DESKTOP, FLAGS, opened, running
from tests.support.server import free_port

pytestmark = pytest.mark.slow

AUTH, APP = "http://auth.site.localhost:8000", "http://app.site.localhost:8080"


def test_site_on_one_machine_is_guarded_as_the_guide_says(
    browser: Browser, sqlite_template: Path, tmp_path: Path, complaints: list[str]
) -> None:
    settings = dict(re.findall(r"([A-Z_]+)=(\S+)", example("guard-trial-service", {}, "guarded-site")))
    assert (settings["PUBLIC_URL"], settings["RETURN_ORIGINS"]) == (AUTH, APP)
    (tmp_path / "auth-service").symlink_to(ROOT)
    *prepare, serve = example("guard-trial-site", {}, "guarded-site").splitlines()
    subprocess.run(["sh", "-ec", "\n".join(prepare)], cwd=tmp_path, check=True)
    os.utime(tmp_path / "trial/pages/index.html", (0, 0))  # browsers keep an old page for long
    application, proxy = free_port(), free_port()
    ports = {8080: proxy, 9000: application}
    (tmp_path / "trial/nginx.conf").write_text(example("guard-trial-nginx", ports, "guarded-site"))
    name, *words = example("guard-trial-start", {}, "guarded-site").split()
    with running(sqlite_template, tmp_path, FLASK_ENV="development", **settings) as site:
        server = tmp_path / "trial/guard/site-server.conf"
        server.write_text(server.read_text().replace(":8000", f":{site.server.port}"))
        hosts = {AUTH: site.server.port, APP: proxy}
        rules = ",".join(f"MAP {url.removeprefix('http://')} 127.0.0.1:{port}" for url, port in hosts.items())
        with (
            running_client(
                serve.replace("9000", str(application)).split(), f"http://127.0.0.1:{application}", tmp_path
            ),
            running_client([executable(name), *words], f"http://127.0.0.1:{proxy}", tmp_path),
        ):
            started = browser.browser_type.launch(
                executable_path=chromium(), args=[*FLAGS, f"--host-resolver-rules={rules}"]
            )
            page = opened(started.new_context(viewport=DESKTOP), complaints)
            page.goto(APP)
            heading(page, "Log In")
            fill_login(page, site.registered())
            submit(page, "Log In")
            expect(page.get_by_role("heading", name="Guarded")).to_be_visible()
            page.goto(f"{AUTH}/logout")
            submit(page, "Log Out")
            heading(page, "You Are Logged Out")
            page.goto(APP)
            heading(page, "Log In")
            started.close()
